import { clearTimeout, setTimeout } from "node:timers";
import { Worker } from "node:worker_threads";
import { deadline } from "../async/deadline.ts";
import { errorText } from "../process/log.ts";
import type { Reading } from "./reading.ts";
import type { PostedQuestion, ThreadAnswer, ThreadSetup } from "./thread_protocol.ts";

/** A body cannot be read, whoever tries it; the message says why. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

/** No thread could be started: that is no body's fault, and the body is still there. */
export class NoThreadError extends Error {
  override readonly name = "NoThreadError";
}

/** A thread that reads one large body after another; made when it is needed. */
export interface ReadingThread extends AsyncDisposable {
  /**
   * Reads one body, which is gone afterwards; one at a time.
   *
   * @throws {UnreadableError} when it cannot be read, not within its time, or not within its memory.
   * @throws {NoThreadError} when the thread cannot be started.
   * @throws any other error when it was closed meanwhile: it can be read again.
   */
  read(posted: PostedQuestion): Promise<Reading>;
  readonly isReading: boolean;
}

export interface ThreadLimits {
  /** Ended after so long without a body, so that its memory goes back. */
  idleMs: number;
  /** For a body of so many bytes. */
  msFor(bytes: number): number;
}

/** Loading the sources takes a second on a busy machine. */
const START_MS = 20_000;
/** After a body of more than this the thread ends: its heap is the larger part of what a worker has. */
const HEAVY_BYTES = 4 * 1024 * 1024;
/** Node waits until a parse in the middle is through; nobody should wait with it. */
const END_MS = 1_000;
/**
 * Twice what the parser makes of the largest bodies that it takes, in MB. It is for what our own
 * code makes of them: no runtime can stop its parser in the middle (Node ends the whole process),
 * so that one is kept within bounds by `sources/kit/payload.ts`.
 */
const MOST_HEAP_MB = 1_536;

/** @param entry the module that the thread runs: `thread.ts`. */
export function createReadingThread(
  setup: ThreadSetup,
  { idleMs, msFor }: ThreadLimits,
  entry: URL,
): ReadingThread {
  let worker: Worker | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let isReading = false;

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ended = worker;
    worker = undefined;
    if (ended) await deadline("end a thread", END_MS, ended.terminate()).catch(() => {});
  }

  async function start(): Promise<Worker> {
    const started = new Worker(entry, {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
    });
    worker = started;
    // One that dies between two bodies ends nobody else, and is not asked again.
    const forget = () => void (worker = worker === started ? undefined : worker);
    started.on("error", forget).on("exit", forget);
    try {
      await deadline("start a thread", START_MS, nextAnswer(started));
    } catch (error) {
      await end();
      throw new NoThreadError(
        `Cannot start the thread that reads large bodies: ${errorText(error)}`,
      );
    }
    return started;
  }

  async function ask(posted: PostedQuestion): Promise<ThreadAnswer> {
    const bytes = posted.body.byteLength;
    const ms = msFor(bytes);
    const asked = worker ?? await start();
    const answer = nextAnswer(asked);
    asked.postMessage(posted, [posted.body]);
    isReading = true;
    try {
      return await deadline("read it", ms, answer);
    } catch (error) {
      await end();
      if (closed) throw closedError();
      // On Deno a thread that is out of memory falls silent.
      throw new UnreadableError(
        `Reading the body failed: its ${bytes} bytes are too large to read. The thread that read ` +
          `them had ${ms / 1_000} s and ${MOST_HEAP_MB} MB (${errorText(error)})`,
      );
    } finally {
      isReading = false;
    }
  }

  return {
    get isReading() {
      return isReading;
    },
    async read(posted) {
      if (closed) throw closedError();
      clearTimeout(idle);
      const isHeavy = posted.body.byteLength > HEAVY_BYTES;
      const answer = await ask(posted);
      if (isHeavy) await end();
      else idle = setTimeout(() => void end(), idleMs).unref();
      if (answer.is === "read") return answer.reading;
      throw new UnreadableError(answer.is === "unreadable" ? answer.why : "no answer");
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await end();
    },
  };
}

function closedError(): Error {
  return new Error("Cannot read a large body: Otto stops");
}

/** @throws what ended the thread, if it ends before it says anything. */
function nextAnswer(worker: Worker): Promise<ThreadAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      done();
    };
    const onMessage = (answer: ThreadAnswer) => settle(() => resolve(answer));
    const onError = (error: unknown) => settle(() => reject(error));
    const onExit = () => settle(() => reject(new Error("it ended")));
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
  });
}

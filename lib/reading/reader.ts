import type { Database } from "../store/database.ts";
import { type ClaimedMessage, LEASE_SECONDS } from "../message/claim.ts";
import { readBody, readMessageEnvelope } from "../message/message.ts";
import { errorText, type Log } from "../process/log.ts";
import { decodeContent } from "../../sources/kit/body/content.ts";
import { bodyLimitOf } from "../../sources/rules/registry.ts";
import {
  type DescribedPayload,
  readClaimed,
  readDescribed,
  type Reading,
  type ReadingRules,
} from "./reading.ts";
import {
  createReadingThread,
  NoThreadError,
  type ReadingThread,
  type ThreadLimits,
  UnreadableError,
} from "./reading_thread.ts";
import type { ThreadQuestion } from "./thread_protocol.ts";

/** Larger bodies are read in a thread: nobody else should wait until one is parsed. */
export const LARGE_BYTES = 1024 * 1024;

/** Half a lease, and as much as the lease of a large message is longer: it is ours to the end. */
const LIMITS: ThreadLimits = {
  idleMs: 10_000,
  msFor: (bytes) => (LEASE_SECONDS / 2 + bytes / LARGE_BYTES) * 1_000,
};

/** A kept message as it is read for its task. */
export interface KeptMessage {
  messageId: string;
  webhookType: string;
  size: number;
}

/** Reads messages: small ones here, large ones in a thread, one at a time. */
export interface Reader extends AsyncDisposable {
  /**
   * Says what a message is to become.
   *
   * @throws {UnreadableError} when it cannot be read; else only what the store fails with.
   */
  read(message: ClaimedMessage): Promise<Reading>;
  /** Says what a message is about, and whether the person at this machine sent it; throws the same. */
  describe(message: KeptMessage): Promise<DescribedPayload & { fromHere: boolean }>;
  /** Whether a large body is in the thread. */
  readonly isReading: boolean;
}

/** @param instead other limits, and another module to run in the thread: for tests. */
export function openReader(
  { config, sources, database, log }: ReadingRules & { database: Database; log: Log },
  instead: Partial<ThreadLimits> & { entry?: URL } = {},
): Reader {
  const rules = { config, sources };
  let thread = makeThread();
  /** What the thread has read of the operator's rules. */
  let known = sources.all;

  function makeThread() {
    const setup = {
      config: {
        agentAccounts: config.agentAccounts,
        publicUrl: config.publicUrl,
        maxBodyBytes: config.maxBodyBytes,
      },
      settings: Object.fromEntries(sources.ruled.map((name) => [name, sources.settingsOf(name)])),
    };
    const entry = instead.entry ?? new URL("./thread.ts", import.meta.url);
    return createReadingThread(setup, { ...LIMITS, ...instead }, entry);
  }

  /** The thread, made anew where the operator's rules have changed. */
  async function currentThread(): Promise<ReadingThread> {
    if (known === sources.all) return thread;
    const old = thread;
    known = sources.all;
    thread = makeThread();
    await old[Symbol.asyncDispose]();
    return thread;
  }

  let turn: Promise<unknown> = Promise.resolve();

  /** Only one of them is in memory at a time. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  async function load(id: string): Promise<Uint8Array> {
    const body = await readBody(database, id);
    if (!body) {
      throw new UnreadableError(
        "Cannot read the message: its body is gone, dropped by its age (BODY_RETENTION_DAYS) or " +
          "deleted. Let the sender send it again",
      );
    }
    return body;
  }

  async function readLarge(
    id: string,
    question: ThreadQuestion,
    readHere: (body: Uint8Array) => DescribedPayload,
  ): Promise<DescribedPayload> {
    const body = bufferOf(await load(id));
    try {
      return await (await currentThread()).read({ question, body });
    } catch (error) {
      if (!(error instanceof NoThreadError)) throw error;
      log.warn("reading.no_thread", { message_id: id, error: errorText(error) });
      // Slowly is better than not at all.
      return attempt(() => readHere(new Uint8Array(body)));
    }
  }

  /** One message, small or large; `read` and `describe` differ in what they ask. */
  async function readEither<T extends DescribedPayload>(
    { id, size, body, headers, webhookType }: {
      id: string;
      webhookType: string;
      size: number;
      body?: Uint8Array;
      headers: Headers;
    },
    question: () => ThreadQuestion,
    readHere: (body: Uint8Array) => T,
  ): Promise<T> {
    if (size > LARGE_BYTES) {
      return await inTurn(() => readLarge(id, question(), readHere)) as T;
    }
    const bytes = body ?? await load(id);
    const { source } = sources.find(webhookType);
    const mayBeLarge = bodyLimitOf(source, config.maxBodyBytes) > LARGE_BYTES;
    if (mayBeLarge && saysMuch(bytes, headers)) {
      return await inTurn(() => readLarge(id, question(), readHere)) as T;
    }
    return attempt(() => readHere(bytes));
  }

  return {
    read: (message) =>
      readEither(
        message,
        () => {
          const { headers, body: _, ...rest } = message;
          return { wants: "reading", message: rest, headers: [...headers] };
        },
        (body) => readClaimed(rules, message, body),
      ),
    async describe({ messageId, size, webhookType }) {
      const envelope = await readMessageEnvelope(database, messageId);
      const headers = new Headers(envelope?.headers);
      const read = await readEither(
        { id: messageId, size, headers, webhookType },
        () => ({ wants: "description", message: { webhookType }, headers: [...headers] }),
        (bytes) => readDescribed(rules, { webhookType, headers }, bytes),
      );
      return { ...read, fromHere: envelope?.from_here === true };
    },
    get isReading() {
      return thread.isReading;
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

/** Whether a small body is a large one that was encoded. */
function saysMuch(body: Uint8Array, headers: Headers): boolean {
  try {
    decodeContent(body, headers.get("content-encoding"), LARGE_BYTES);
    return false;
  } catch {
    return true;
  }
}

/** Whatever is thrown is the body's fault. */
function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UnreadableError(errorText(error));
  }
}

/** The bytes in a buffer that has nothing else, and so can be handed to a thread. */
function bufferOf(body: Uint8Array): ArrayBuffer {
  const isAll = body.byteLength === body.buffer.byteLength;
  return (isAll ? body : new Uint8Array(body)).buffer as ArrayBuffer;
}

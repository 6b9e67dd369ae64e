import { pause } from "../../async/deadline.ts";
import { readEvents, type StreamEvent } from "./events.ts";
import { answers, type Asked, type Tamer } from "./tame.ts";

/** The most that is read of a server's answers in one session: a hundred tools have a fortieth of it. */
const MOST_BYTES = 8 * 1_024 * 1_024;
/** How long a server is left alone that has not said for how long, and at least. */
const RETRY_MS = 1_000;
const LEAST_RETRY_MS = 100;
/** How often in a row it is asked in vain to go on. */
const MOST_TRIES = 3;

/** How much of a server's answers has been read. */
export interface ByteCount {
  bytes: number;
}

/** How a stream is read, and gone on with. */
export interface StreamReading {
  tamer: Pick<Tamer, "tame">;
  asked: Asked;
  count: ByteCount;
  /** Asks for what comes after the event of this id; nobody is asked without it. */
  resume?(lastId: string): Promise<Response>;
  signal?: AbortSignal;
}

/** Whether an answer is a stream of events. */
export function isStream({ ok, headers, body }: Response): boolean {
  return ok && body !== null && /^text\/event-stream\b/i.test(headers.get("content-type") ?? "");
}

/**
 * The messages of a stream, tamed, as they come. A server may hang up before its answer and be asked on
 * another connection to go on after the event that came last ("Resumability and Redelivery" in the
 * protocol of 2025-03-26 to 2025-11-25): it is asked again and again, for as long as the signal
 * lives and `MOST_BYTES` have not come.
 */
export async function* readStream(
  response: Response,
  { tamer, asked, count, resume, signal }: StreamReading,
): AsyncGenerator<unknown> {
  let place: StreamEvent = {};
  for (;;) {
    let answered = false;
    try {
      for await (const { data, ...next } of readEvents(boundedText(response, count))) {
        place = { ...place, ...next };
        for (const message of [parsed(data ?? "") ?? []].flat()) {
          const tamed = tamer.tame(message, asked);
          answered ||= answers(tamed, asked);
          yield tamed;
        }
      }
    } catch (error) {
      if (!resume || place.id === undefined || count.bytes > MOST_BYTES) throw error;
    }
    if (answered) return;
    const { id, retry = RETRY_MS } = place;
    if (!resume || id === undefined) throw new Error("the server ended its answer in the middle");
    response = await resumed(() => resume(id), Math.max(retry, LEAST_RETRY_MS), signal);
  }
}

async function resumed(
  resume: () => Promise<Response>,
  retryMs: number,
  signal: AbortSignal | undefined,
): Promise<Response> {
  for (let tries = 1;; tries++) {
    await pause(retryMs, signal);
    signal?.throwIfAborted();
    try {
      const response = await resume();
      if (isStream(response)) return response;
      await response.body?.cancel();
      if (response.status < 500) tries = MOST_TRIES;
      throw new Error(
        `the server ended its answer in the middle, and answered ${response.status} when it was ` +
          "asked to go on",
      );
    } catch (error) {
      if (tries >= MOST_TRIES) throw error;
    }
  }
}

/** An answer's whole text. */
export async function textOf(response: Response, count: ByteCount): Promise<string> {
  return (await Array.fromAsync(boundedText(response, count))).join("");
}

async function* boundedText(
  { body }: Response,
  count: ByteCount,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const part of body ?? []) {
    count.bytes += part.length;
    if (count.bytes > MOST_BYTES) {
      const most = MOST_BYTES.toLocaleString("en");
      throw new Error(`the server's answer has more than ${most} bytes, and was left there`);
    }
    yield decoder.decode(part, { stream: true });
  }
}

/** A JSON text's value; undefined when it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import type { MiddlewareHandler } from "hono";
import { createDeadline, DeadlineError } from "../../lib/async/deadline.ts";
import { Problem } from "../problem.ts";

/** Most senders give up on an answer sooner than this. */
const READ_MS = 10_000;
const inTime = createDeadline("read a body", READ_MS);
/** Larger bodies count as they arrive: an announcement alone must not use the budget up. */
const SMALL_BYTES = 16 * 1024;
/** Bytes of all requests together, from the first byte to the answer: five of the largest bodies. */
const MOST_IN_FLIGHT = 128 * 1024 * 1024;

/** Bytes of request bodies that this process holds at one time. */
export interface BodyBudget {
  /** Takes bytes out of the budget. @throws {Problem} 503 when there are too few. */
  take(bytes: number): void;
  give(bytes: number): void;
}

export function createBodyBudget(): BodyBudget {
  let held = 0;
  return {
    take(bytes) {
      if (held + bytes > MOST_IN_FLIGHT) {
        throw new Problem(
          503,
          "too_busy",
          "Too many bytes are being received at once",
          "Send it again after the seconds in Retry-After",
          { "retry-after": "2" },
        );
      }
      held += bytes;
    },
    give(bytes) {
      held -= bytes;
    },
  };
}

/** A body that was read, and counts in the budget until it is released. */
export interface HeldBody {
  bytes: Uint8Array;
  release(): void;
}

/**
 * Reads a request's body, at most `limit` bytes and ten seconds.
 *
 * @throws {Problem} 413 over the limit, 408 when too slow, 400 when it breaks
 * off or is framed in a way that others would read differently.
 */
export async function readBody(
  request: Request,
  limit: number,
  budget: BodyBudget,
  hint = "Send less, or let the operator raise MAX_BODY_BYTES",
): Promise<HeldBody> {
  const encoding = request.headers.get("transfer-encoding");
  if (encoding !== null && encoding.trim().toLowerCase() !== "chunked") {
    throw broken(`its Transfer-Encoding is "${encoding.slice(0, 40)}"`);
  }
  const announced = request.headers.get("content-length");
  const hold = { bytes: 0 };
  try {
    let bytes: Uint8Array;
    // Two equal headers arrive as "2, 2", which is no number: NaN would get past every limit.
    if (announced !== null && !/^\d+$/.test(announced)) {
      throw broken("its Content-Length is not one number");
    }
    const length = Number(announced);
    if (length > limit) throw new TooLarge();
    if (announced !== null && encoding === null && length <= SMALL_BYTES) {
      take(hold, budget, length);
      // The server stops at the announced length, so there is nothing to count.
      bytes = new Uint8Array(await inTime(request.arrayBuffer()));
    } else if (request.body === null) {
      bytes = new Uint8Array();
    } else {
      const reader = request.body.getReader();
      try {
        bytes = await inTime(readAll(reader, limit, (more) => take(hold, budget, more)));
      } catch (error) {
        reader.cancel().catch(() => {});
        throw error;
      }
    }
    return { bytes, release: () => budget.give(hold.bytes) };
  } catch (error) {
    budget.give(hold.bytes);
    if (error instanceof Problem) throw error;
    if (error instanceof TooLarge) {
      throw new Problem(
        413,
        "body_too_large",
        `The body is larger than ${limit} bytes`,
        hint,
        { connection: "close" },
      );
    }
    if (error instanceof DeadlineError) {
      throw new Problem(
        408,
        "body_too_slow",
        `The body did not arrive within ${READ_MS / 1_000} seconds`,
        "Send the whole body at once",
        { connection: "close" },
      );
    }
    throw broken("it broke off");
  }
}

/** Reads bodies before the handlers do, which have neither a limit nor a deadline of their own. */
export function limitBodies(limit: number): MiddlewareHandler {
  const budget = createBodyBudget();
  return async (c, next) => {
    const { url, method, headers, body } = c.req.raw;
    if (body === null) return await next();
    const held = await readBody(c.req.raw, limit, budget, "Ask for less at once");
    try {
      c.req.raw = new Request(url, {
        method,
        headers,
        body: held.bytes as Uint8Array<ArrayBuffer>,
      });
      await next();
    } finally {
      held.release();
    }
  };
}

function take(hold: { bytes: number }, budget: BodyBudget, bytes: number): void {
  budget.take(bytes);
  hold.bytes += bytes;
}

class TooLarge extends Error {}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: number,
  take: (bytes: number) => void,
): Promise<Uint8Array> {
  // Copied as they come: chunks of a byte each would take a hundred times the budget in memory.
  let bytes = new Uint8Array(SMALL_BYTES);
  let size = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) return bytes.slice(0, size);
    const end = size + value.byteLength;
    if (end > limit) throw new TooLarge();
    take(value.byteLength);
    if (end > bytes.length) {
      const grown = new Uint8Array(Math.min(Math.max(end, 2 * bytes.length), limit));
      grown.set(bytes.subarray(0, size));
      bytes = grown;
    }
    bytes.set(value, size);
    size = end;
  }
}

function broken(why: string): Problem {
  return new Problem(
    400,
    "body_unreadable",
    `Cannot read the body: ${why}`,
    "Send a body of the announced Content-Length, or chunked",
    { connection: "close" },
  );
}

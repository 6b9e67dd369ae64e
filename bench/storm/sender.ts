import { type Delivery, headersOf } from "./delivery.ts";
import type { Heard } from "./ledger.ts";

/** What a sender waits for an answer; Slack waits three seconds, GitHub ten. */
const PATIENCE_MS = 5_000;
/** Between the first tries and at most, before the half that is chance. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 4_000;
/** What asks a sender to come again, by RFC 9110 and 6585. */
const COME_AGAIN = new Set([408, 429, 503]);

/** Where it may be sent to and who hears of it. */
export interface SenderOptions {
  /** The replicas, as a balancer without eyes would choose between them: in turn. */
  origins: readonly string[];
  trying(delivery: Delivery): void;
  heard(delivery: Delivery, what: Heard, ms: number): void;
  signal: AbortSignal;
}

let turn = 0;

/**
 * Sends one delivery again and again under the same id, as real senders do, until it is answered
 * with 200 or refused for good. Ends at once, undelivered, when the signal comes.
 */
export async function deliver(delivery: Delivery, options: SenderOptions): Promise<void> {
  const { origins, signal } = options;
  for (let tries = 0; !signal.aborted; tries++) {
    const origin = origins[turn++ % origins.length];
    const began = performance.now();
    options.trying(delivery);
    const { what, waitMs } = await tryOnce(delivery, origin, signal);
    if (signal.aborted && what.kind !== "ok") return;
    options.heard(delivery, what, performance.now() - began);
    if (what.kind === "ok" || (what.kind === "refused" && !what.why.startsWith("5"))) return;
    const backoff = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
    // No more than our own longest pause: a storm is shorter than what a sender has time for.
    const asked = Math.min(waitMs, LONGEST_PAUSE_MS);
    await pause(Math.max(backoff, asked) * (0.5 + Math.random() / 2), signal);
  }
}

async function tryOnce(
  delivery: Delivery,
  origin: string,
  signal: AbortSignal,
): Promise<{ what: Heard; waitMs: number }> {
  try {
    const answer = await fetch(`${origin}/webhook/${delivery.sender}`, {
      method: "POST",
      headers: headersOf(delivery),
      body: delivery.body as Uint8Array<ArrayBuffer>,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const text = await answer.text();
    const waitMs = Number(answer.headers.get("retry-after") ?? 0) * 1_000;
    return { what: toHeard(answer.status, text), waitMs };
  } catch (error) {
    const timedOut = (error as Error).name === "TimeoutError";
    return { what: { kind: "again", why: timedOut ? "timeout" : "connection" }, waitMs: 0 };
  }
}

function toHeard(status: number, text: string): Heard {
  if (COME_AGAIN.has(status)) return { kind: "again", why: `${status}` };
  const refused: Heard = { kind: "refused", why: `${status} ${text.slice(0, 200)}` };
  if (status !== 200) return refused;
  try {
    const { status, message_id } = JSON.parse(text);
    if (status === "received" && typeof message_id === "string") {
      return { kind: "ok", messageId: message_id };
    }
  } catch {
    // No answer of ours.
  }
  return refused;
}

/** Ends early when the signal comes. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

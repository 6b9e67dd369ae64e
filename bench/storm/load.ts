import { type Delivery, makeDelivery } from "./delivery.ts";
import type { LedgerFile } from "./ledger.ts";
import { deliver, pause } from "./sender.ts";

/** Deliveries that are on their way at one time. */
const AT_ONCE = 48;
/** How many deliveries later a repeat is sent. */
const REPEAT_AFTER = 200;

/** The senders of a storm. */
export interface Load {
  /** Deliveries that have been answered as often as they should be. */
  readonly done: number;
  /** Lets the senders begin the deliveries below this number. */
  allow(below: number): void;
  /** Resolves when all deliveries are done, or the signal came. */
  readonly ended: Promise<void>;
}

/**
 * Sends the deliveries 0 to `deliveries` - 1, those that were answered in an earlier run of the
 * storm left out, each as often as it asks for; every try is noted.
 */
export function startLoad(
  { seed, deliveries, origins, file, signal, answered }: {
    seed: string;
    deliveries: number;
    origins: readonly string[];
    file: LedgerFile;
    signal: AbortSignal;
    /** Hears of each 200. */
    answered(): void;
  },
): Load {
  const { accounts } = file.ledger;
  const later: { after: number; delivery: Delivery }[] = [];
  const waiting = new Set<() => void>();
  let allowed = 0;
  let next = 0;
  let done = 0;

  const send = (delivery: Delivery) =>
    deliver(delivery, {
      origins,
      signal,
      trying: ({ number }) => file.note(["try", number]),
      heard({ number }, what, ms) {
        if (what.kind === "ok") {
          file.note(["ok", number, what.messageId, Math.round(ms)]);
          answered();
        } else file.note([what.kind, number, what.why]);
      },
    });

  /** What has to be sent next; undefined when there is nothing more to begin. */
  async function take(): Promise<(() => Promise<void>) | undefined> {
    while (!signal.aborted) {
      if (later.length > 0 && (later[0].after <= next || next >= deliveries)) {
        const { delivery } = later.shift()!;
        return async () => {
          await send(delivery);
          done++;
        };
      }
      if (next >= deliveries) return undefined;
      if (next < allowed) return begin(makeDelivery(seed, next++));
      await new Promise<void>((resolve) => waiting.add(resolve));
    }
  }

  /** One delivery, as far as it has not been done before. */
  function begin(delivery: Delivery): () => Promise<void> {
    const wanted = delivery.again === "never" ? 1 : 2;
    const account = accounts.get(delivery.number);
    const heard = (account?.answers.length ?? 0) + (account?.refusals.length ?? 0);
    return async () => {
      if (heard >= wanted) {
        done++;
      } else if (delivery.again === "at once" && heard === 0) {
        await Promise.all([send(delivery), send(delivery)]);
        done++;
      } else {
        await send(delivery);
        if (delivery.again === "later" && heard === 0) {
          later.push({ after: next + REPEAT_AFTER, delivery });
        } else done++;
      }
    };
  }

  function wake(): void {
    for (const resolve of waiting) resolve();
    waiting.clear();
  }
  signal.addEventListener("abort", wake);

  const senders = Array.from({ length: AT_ONCE }, async () => {
    for (let job = await take(); job !== undefined; job = await take()) await job();
    // A repeat may still be put off by somebody who is not done yet.
    while (done < deliveries && !signal.aborted) {
      await pause(50, signal);
      const job = await take();
      await job?.();
    }
  });
  return {
    get done() {
      return done;
    },
    allow(below) {
      allowed = Math.max(allowed, Math.min(below, deliveries));
      wake();
    },
    ended: Promise.all(senders).then(() => {}),
  };
}

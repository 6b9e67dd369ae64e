import { assert, assertEquals } from "@std/assert";
import { audit, type Kept, type Sent } from "../../bench/storm/audit.ts";
import { hashOf, makeDelivery, NUMBER_HEADER } from "../../bench/storm/delivery.ts";
import { emptyLedger, enter } from "../../bench/storm/ledger.ts";
import { deliver, pause } from "../../bench/storm/sender.ts";
import { until, within } from "../servers/mod.ts";

/** For the senders to get so far, and to be rid of everything in the end. */
const SEND_MS = 60_000;
const DRAIN_MS = 60_000;
/** As much as keeps two small cores from doing nothing else. */
const BETWEEN_MS = 20;

/** All loads of a process count on, so that several may go to one Otto. */
let next = 0;
const SEED = crypto.randomUUID();

/** Sends webhooks, each again and again until it is answered, as the storm's senders do. */
export function startLoad(origin: string, { parallel }: { parallel: number }) {
  const ledger = emptyLedger();
  const stop = new AbortController();
  const cut = new AbortController();
  const count = { acked: 0, refused: 0 };

  const senders = Array.from({ length: parallel }, async () => {
    while (!stop.signal.aborted) {
      await deliver(makeDelivery(SEED, next++), {
        origins: [origin],
        signal: cut.signal,
        trying: ({ number }) => enter(ledger, ["try", number]),
        heard({ number }, what, ms) {
          if (what.kind === "ok") {
            count.acked++;
            enter(ledger, ["ok", number, what.messageId, ms]);
          } else {
            count.refused++;
            enter(ledger, [what.kind, number, what.why]);
          }
        },
      });
      await pause(BETWEEN_MS, stop.signal);
    }
  });
  const ended = Promise.all(senders);

  async function more(kind: keyof typeof count, wanted: number): Promise<void> {
    const enough = count[kind] + wanted;
    await until(() => count[kind] >= enough, {
      what: `${wanted} more webhooks to be ${kind}`,
      timeoutMs: SEND_MS,
    });
  }
  return {
    /** Waits until so many more were answered with 200. */
    acked: (wanted: number) => more("acked", wanted),
    refused: (wanted: number) => more("refused", wanted),
    /** Ends when everything begun has been delivered, and tells what was. */
    async end(): Promise<Sent[]> {
      stop.abort();
      await within(ended, SEND_MS, "the senders to be rid of everything");
      return [...ledger.accounts].map(([number, account]) => {
        const { id, body } = makeDelivery(SEED, number);
        return { number, id, sha256: hashOf(body), ...account };
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      cut.abort();
      await within(ended, SEND_MS, "the senders to end").catch(() => {});
    },
  };
}

/** Waits until all is done, and holds what there is against what the senders remember. */
export async function auditAll(
  origin: string,
  sent: readonly Sent[],
): Promise<void> {
  assert(sent.length > 0);
  // The statistics are up to two seconds old, so the rows have the last word.
  await until(async () => {
    const { queue, jobs } = await ask(origin, "/webhook/stats");
    assertEquals([queue.depth, queue.spilled, jobs.pending + jobs.running], [
      0,
      0,
      0,
    ]);
    const [messages, tasks, notifications] = await Promise.all([
      list(origin, "messages"),
      list(origin, "tasks"),
      list(origin, "notifications"),
    ]);
    assert(
      !messages.some(({ state }) => state === "new"),
      "Some messages are new",
    );
    assert(
      !tasks.some(({ status }) => ["pending", "running"].includes(status)),
      "Some tasks run",
    );
    assert(
      notifications.every(({ state }) => state === "sent"),
      "Some are not told",
    );
    assert(notifications.length >= tasks.length, "Some are not told");
    return true;
  }, { what: "all work to be done", timeoutMs: DRAIN_MS });
  const kept = await readKept(origin);
  assertEquals(audit({ sent, kept, aliases: await readAliases(origin, sent, kept) }), []);
}

/**
 * The answers that stand for another message: a try whose commit nobody heard of was spilled, and
 * the repeat behind it answered with the row that had come to be.
 */
async function readAliases(
  origin: string,
  sent: readonly Sent[],
  kept: readonly Kept[],
): Promise<Map<string, string>> {
  const ids = new Set(kept.map(({ messageId }) => messageId));
  const aliases = new Map<string, string>();
  await eachOf(sent.flatMap(({ answers }) => answers), async (answer) => {
    if (ids.has(answer)) return;
    const { message_id } = await ask(origin, `/api/messages/${answer}`);
    if (message_id !== undefined) aliases.set(answer, message_id);
  });
  return aliases;
}

/** What is kept, as the API tells it. */
async function readKept(origin: string): Promise<Kept[]> {
  const [messages, notifications] = [
    await list(origin, "messages"),
    await list(origin, "notifications"),
  ];
  const kept: Kept[] = [];
  await eachOf(messages, async ({ message_id }) => {
    const path = `/api/messages/${message_id}`;
    const { delivery_id, headers, state, reason, error, task_id } = await ask(
      origin,
      path,
    );
    const body = await fetch(`${origin}${path}/body`);
    const task = task_id ? await ask(origin, `/api/tasks/${task_id}`) : null;
    const told = notifications.filter((each) => each.task_id === task_id);
    // Not as Headers: a masked one is no ByteString.
    const number: string | null = headers[NUMBER_HEADER.toLowerCase()] ?? null;
    kept.push({
      messageId: message_id,
      number: number === null ? null : Number(number),
      deliveryId: delivery_id,
      sha256: hashOf(new Uint8Array(await body.arrayBuffer())),
      state,
      reason: error ?? reason,
      task: task && {
        status: task.status,
        error: task.error?.message ?? null,
        ended: task.events.filter(({ kind }: { kind: string }) =>
          ["completed", "failed", "cancelled"].includes(kind)
        ).length,
        told: told.length,
        sent: told.filter((each) =>
          each.state === "sent"
        ).length,
      },
    });
  });
  return kept;
}

// deno-lint-ignore no-explicit-any -- answers of many shapes
export async function ask(origin: string, path: string): Promise<any> {
  const answer = await fetch(origin + path, {
    signal: AbortSignal.timeout(10_000),
  });
  return await answer.json();
}

/** Every page of a list. */
// deno-lint-ignore no-explicit-any -- lists of many shapes
async function list(origin: string, what: string): Promise<any[]> {
  const items = [];
  let cursor = "";
  do {
    const page = await ask(
      origin,
      `/api/${what}?limit=200${cursor && `&cursor=${cursor}`}`,
    );
    items.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor);
  return items;
}

/** Does something with each, some at a time. */
async function eachOf<T>(
  items: readonly T[],
  look: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) {
      await look(item);
    }
  }));
}

import type { Redis } from "../redis.ts";
import { keys } from "./wire.ts";

/** A worker as its health key in Redis shows it. */
export interface WorkerRecord {
  key: string;
  complete: number;
  failed: number;
  retried: number;
  ongoing: number;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Says that this worker lives, in python-arq's words, for so many milliseconds. */
export async function writeHealth(
  redis: Redis,
  { queue, worker, complete, failed, ongoing, forMs }: {
    queue: string;
    worker: string;
    complete: number;
    failed: number;
    ongoing: number;
    forMs: number;
  },
): Promise<void> {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, "0");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":");
  await redis.run("write a worker's health", async (client) => {
    const queued = await client.zCard(queue);
    await client.pSetEx(
      `${keys.health(queue)}:${worker}`,
      forMs,
      `${MONTHS[now.getMonth()]}-${two(now.getDate())} ${time} j_complete=${complete} ` +
        `j_failed=${failed} j_retried=0 j_ongoing=${ongoing} queued=${queued}`,
    );
  });
}

export async function removeHealth(redis: Redis, queue: string, worker: string): Promise<void> {
  await redis.run(
    "remove a worker's health",
    (client) => client.del(`${keys.health(queue)}:${worker}`),
  );
}

/** So many steps of SCAN, of a thousand keys each, are made to find workers. */
const MOST_SCANS = 20;

/** The workers whose health keys begin with the queue's, as ours and the recommended ones do. */
export async function readHealth(redis: Redis, queue: string): Promise<WorkerRecord[]> {
  const found = new Set<string>();
  const pattern = `${keys.health(queue).replaceAll(/[\\*?[\]]/g, "\\$&")}*`;
  let cursor = "0";
  for (let scan = 0; scan < MOST_SCANS; scan++) {
    const page = await redis.run(
      "look for workers",
      (client) => client.scan(cursor, { MATCH: pattern, COUNT: 1_000 }),
    );
    for (const key of page.keys) found.add(key);
    cursor = page.cursor;
    if (cursor === "0") break;
  }
  if (found.size === 0) return [];
  const names = [...found].sort();
  const texts = await redis.run("read workers' health", (client) => client.mGet(names));
  return names.flatMap((key, at) => {
    const text = texts[at];
    if (typeof text !== "string") return [];
    const count = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1] ?? 0);
    return [{
      key,
      complete: count("j_complete"),
      failed: count("j_failed"),
      retried: count("j_retried"),
      ongoing: count("j_ongoing"),
    }];
  });
}

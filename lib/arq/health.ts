import type { Redis } from "../store/redis.ts";
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

/** Otto's own workers of a queue, by when their health keys expire: found without a search. */
const registry = (queue: string) => `otto:jobs:workers:${queue}`;

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
    await client.zAdd(registry(queue), { value: worker, score: now.getTime() + forMs });
    // When the last one has gone without a word.
    await client.pExpire(registry(queue), forMs * 10);
    await client.pSetEx(
      `${keys.health(queue)}:${worker}`,
      forMs,
      `${MONTHS[now.getMonth()]}-${two(now.getDate())} ${time} j_complete=${complete} ` +
        `j_failed=${failed} j_retried=0 j_ongoing=${ongoing} queued=${queued}`,
    );
  });
}

export async function removeHealth(redis: Redis, queue: string, worker: string): Promise<void> {
  await redis.run("remove a worker's health", async (client) => {
    await client.zRem(registry(queue), worker);
    await client.del(`${keys.health(queue)}:${worker}`);
  });
}

/** So many steps of SCAN, of a thousand keys each, are made at a time to find others' workers. */
const MOST_SCANS = 10;
/** So many of others' keys are remembered. */
const MOST_OTHERS = 1_000;

/** Reads which workers live. */
export interface HealthReader {
  /** Otto's own, and others whose health keys begin with the queue's, as the recommended ones do. */
  read(): Promise<WorkerRecord[]>;
  /** Whether somebody else works on the queue, as far as is known. */
  findOthers(): Promise<boolean>;
}

/**
 * Otto's own workers and python-arq's standard key are looked up; keys of
 * others' own are searched for, each time from where the last search ended:
 * among millions of keys they are found after some time.
 */
export function createHealthReader(redis: Redis, queue: string): HealthReader {
  const standard = keys.health(queue);
  const pattern = `${standard.replaceAll(/[\\*?[\]]/g, "\\$&")}:*`;
  const others = new Set<string>([standard]);
  let cursor = "0";

  async function search(own: ReadonlySet<string>): Promise<void> {
    for (let scan = 0; scan < MOST_SCANS; scan++) {
      const page = await redis.run(
        "look for workers",
        (client) => client.scan(cursor, { MATCH: pattern, COUNT: 1_000 }),
      );
      for (const key of page.keys) {
        if (!own.has(key) && others.size < MOST_OTHERS) others.add(key);
      }
      cursor = page.cursor;
      if (cursor === "0") break;
    }
  }

  async function readAll(): Promise<(WorkerRecord & { own: boolean })[]> {
    const workers = await redis.run(
      "look for Otto's workers",
      (client) => client.zRangeByScore(registry(queue), Date.now(), "+inf"),
    );
    const own = new Set(workers.map((worker) => `${standard}:${worker}`));
    await search(own);
    for (const key of own) others.delete(key);
    const names = [...own, ...others].sort();
    const texts = await redis.run("read workers' health", (client) => client.mGet(names));
    return names.flatMap((key, at) => {
      const text = texts[at];
      if (typeof text !== "string") {
        if (key !== standard) others.delete(key);
        return [];
      }
      const count = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1] ?? 0);
      return [{
        own: own.has(key),
        key,
        complete: count("j_complete"),
        failed: count("j_failed"),
        retried: count("j_retried"),
        ongoing: count("j_ongoing"),
      }];
    });
  }

  return {
    async read() {
      return (await readAll()).map(({ own: _own, ...record }) => record);
    },
    async findOthers() {
      return (await readAll()).some(({ own }) => !own);
    },
  };
}

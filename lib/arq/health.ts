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

/** A sorted set of Otto's own workers of a queue, by when their health keys expire: it spares a SCAN. */
const registry = (queue: string) => `otto:jobs:workers:${queue}`;

/** The set outlives its last worker's health key by so many times: it must not vanish between two heartbeats. */
const REGISTRY_TIMES = 10;

/** Ends the text of python-arq's standard key where a worker of Otto's has written it. */
const OURS = " by=otto";

/** Writes the key that says that this worker lives, as python-arq writes it, for so many milliseconds. */
export async function writeHealth(
  redis: Redis,
  { queue, worker, counts, forMs }: {
    queue: string;
    worker: string;
    counts: { complete: number; failed: number; ongoing: number };
    forMs: number;
  },
): Promise<void> {
  const now = new Date();
  const { complete, failed, ongoing } = counts;
  await redis.run("write a worker's health", async (client) => {
    const queued = await client.zCard(queue);
    await client.zAdd(registry(queue), { value: worker, score: now.getTime() + forMs });
    await client.pExpire(registry(queue), forMs * REGISTRY_TIMES);
    const text = `${timeText(now)} j_complete=${complete} ` +
      `j_failed=${failed} j_retried=0 j_ongoing=${ongoing} queued=${queued}`;
    await client.pSetEx(`${keys.health(queue)}:${worker}`, forMs, text);
    // `arq --check` asks for this key alone. A Python worker's own is not written over.
    const standard = await client.get(keys.health(queue));
    if (standard === null || standard.endsWith(OURS)) {
      await client.pSetEx(keys.health(queue), forMs, text + OURS);
    }
  });
}

/** As `Nov-23 21:07:03`, by the local clock, as in Python's `%b-%d %H:%M:%S`. */
function timeText(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${MONTHS[time.getMonth()]}-${two(time.getDate())} ${clock}`;
}

/** Removes the key of a worker that stops: at once, not when it would have expired. */
export async function removeHealth(redis: Redis, queue: string, worker: string): Promise<void> {
  await redis.run("remove a worker's health", async (client) => {
    await client.zRem(registry(queue), worker);
    await client.del(`${keys.health(queue)}:${worker}`);
    // Where others of ours live, the next of their heartbeats writes it again.
    const standard = await client.get(keys.health(queue));
    if (standard?.endsWith(OURS)) await client.del(keys.health(queue));
  });
}

/** Keys looked through by one step of SCAN, during which other clients of Redis wait. */
const SCAN_COUNT = 1_000;
/** Steps of SCAN in one reading, which stays short however many keys Redis has. */
const MOST_SCANS = 10;
/** Health keys of foreign workers that are remembered: more than any fleet has, and bounded. */
const MOST_FOREIGN_KEYS = 1_000;

/** Reads which workers live. */
export interface HealthReader {
  /** Otto's own, and foreign ones whose health keys begin with the queue's, as python-arq recommends. */
  read(): Promise<WorkerRecord[]>;
  /** Whether workers that are not Otto's work on the queue, as far as is known. */
  findForeign(): Promise<boolean>;
}

/**
 * Otto's own workers and python-arq's standard key are looked up. Health keys
 * with other names are searched for by SCAN, each time from where the last search
 * ended: among millions of keys they are found after some time.
 */
export function createHealthReader(redis: Redis, queue: string): HealthReader {
  const standard = keys.health(queue);
  const pattern = `${standard.replaceAll(/[\\*?[\]]/g, "\\$&")}:*`;
  const foreign = new Set<string>([standard]);
  let cursor = "0";

  async function search(own: ReadonlySet<string>): Promise<void> {
    for (let scan = 0; scan < MOST_SCANS; scan++) {
      const page = await redis.run(
        "search for workers",
        (client) => client.scan(cursor, { MATCH: pattern, COUNT: SCAN_COUNT }),
      );
      for (const key of page.keys) {
        if (!own.has(key) && foreign.size < MOST_FOREIGN_KEYS) foreign.add(key);
      }
      cursor = page.cursor;
      if (cursor === "0") break;
    }
  }

  async function readOwnKeys(): Promise<Set<string>> {
    const workers = await redis.run(
      "list Otto's workers",
      (client) => client.zRangeByScore(registry(queue), Date.now(), "+inf"),
    );
    return new Set(workers.map((worker) => `${standard}:${worker}`));
  }

  async function readAll(): Promise<(WorkerRecord & { own: boolean })[]> {
    const own = await readOwnKeys();
    await search(own);
    for (const key of own) foreign.delete(key);
    const names = [...own, ...foreign].sort();
    const texts = await redis.run("read workers' health", (client) => client.mGet(names));
    return names.flatMap((key, at) => {
      const text = texts[at];
      // A worker of ours has a key of its own, too.
      if (key === standard && text?.endsWith(OURS)) return [];
      if (typeof text === "string") return [{ own: own.has(key), ...toRecord(key, text) }];
      // It has expired. The standard key is always asked for.
      if (key !== standard) foreign.delete(key);
      return [];
    });
  }

  return {
    async read() {
      return (await readAll()).map(({ own: _own, ...record }) => record);
    },
    async findForeign() {
      return (await readAll()).some(({ own }) => !own);
    },
  };
}

function toRecord(key: string, text: string): WorkerRecord {
  const count = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1] ?? 0);
  return {
    key,
    complete: count("j_complete"),
    failed: count("j_failed"),
    retried: count("j_retried"),
    ongoing: count("j_ongoing"),
  };
}

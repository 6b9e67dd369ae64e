import postgres from "postgres";
import type { Database } from "../lib/store/database.ts";
import { openEmbedded } from "../lib/store/embedded/embedded.ts";
import { openServer } from "../lib/store/server/server.ts";
import { createLog } from "../lib/process/log.ts";
import { pause } from "./servers.ts";

/** How far the messages of some time have come, by the rows' own times. */
export interface Finished {
  messages: number;
  tasks: number;
  /** From the first message received to the last digest finished. */
  seconds: number;
  /** Milliseconds from a message received to its digest finished. */
  p50: number;
  p99: number;
}

/** Messages in a database. */
export async function countMessages(url: string): Promise<number> {
  const sql = postgres(url, { max: 1 });
  try {
    const [{ count }] = await sql<{ count: number }[]>`select count(*)::int as count from messages`;
    return count;
  } finally {
    await sql.end();
  }
}

const PATIENCE_MS = 120_000;
/** The statistics are at most so old. */
const STATS_AGE_MS = 2_100;

/** Waits until no message waits and no task is being worked. */
export async function waitUntilWorked(port: number): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    await pause(STATS_AGE_MS);
    const response = await fetch(`http://127.0.0.1:${port}/webhook/stats`);
    const { queue, jobs } = await response.json();
    if (queue.depth + jobs.pending + jobs.running === 0) return;
  }
  throw new Error("The worker has not caught up");
}

/** Reads what became of the messages received in each of the spans, when nobody else has the database. */
export async function readFinished(
  { databaseUrl, folder }: { databaseUrl?: string; folder: string },
  spans: [from: Date, to: Date][],
): Promise<Finished[]> {
  await using database: Database = databaseUrl
    ? openServer({ url: databaseUrl, log: createLog("error") })
    : await openEmbedded(folder);
  const found: Finished[] = [];
  for (const [from, to] of spans) {
    const [row] = await database.query("read what was finished", (sql) =>
      sql<Finished[]>`
        select count(*)::int as messages, count(t.finished_at)::int as tasks,
          extract(epoch from max(t.finished_at) - min(m.received_at))::float8 as seconds,
          (percentile_cont(0.5) within group (order by
            extract(epoch from t.finished_at - m.received_at)) * 1000)::float8 as p50,
          (percentile_cont(0.99) within group (order by
            extract(epoch from t.finished_at - m.received_at)) * 1000)::float8 as p99
        from messages m left join tasks t on t.message_id = m.id
        where m.received_at >= ${from} and m.received_at < ${to}`);
    found.push(row);
  }
  return found;
}

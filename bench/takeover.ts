/**
 * `deno task bench-takeover`: how soon a killed worker's tasks start elsewhere.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { readConfig } from "../lib/config/config.ts";
import { storeMessages } from "../lib/message/insert.ts";
import { listWorkers } from "../lib/monitor/heartbeat.ts";
import { createLog } from "../lib/process/log.ts";
import { openServices, type Services } from "../lib/services.ts";
import { newId } from "../lib/store/id.ts";
import { startPostgres } from "../tests/servers/postgres.ts";
import { startProcess } from "../tests/servers/process.ts";
import { startRedis } from "../tests/servers/redis.ts";
import { pause } from "./servers.ts";

const HELP = `How soon a killed worker's tasks start elsewhere: p50 and the longest.

  deno task bench-takeover [--kills 10] [--size postgres|full]

Two workers. The one that has four tasks in hand is killed with SIGKILL, at any moment between two of
its heartbeats; until each of the tasks is started by the other one it counts.
`;

const { values: options } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    size: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const TASKS = 4;
const HEARTBEAT_MS = 1_500;
const WAIT_MS = 60_000;
/** A worker whose tasks never end. */
const HELD_MS = 3_600_000;

async function waitFor<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const until = performance.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > until) throw new Error(`Waited in vain for ${what}`);
    await pause(50);
  }
}

function startWorker(env: Record<string, string>) {
  return startProcess(["-A", "tests/servers/pausing_worker.ts", String(HELD_MS)], env);
}

async function makeTasks({ database }: Services): Promise<void> {
  await storeMessages(
    database,
    Array.from({ length: TASKS }, () => ({
      id: newId(),
      webhookType: "bench",
      source: "generic",
      verification: "unverified" as const,
      envelope: {
        url: "http://localhost/webhook/bench",
        client_ip: "127.0.0.1",
        delivery_id: newId(),
        headers: [["content-type", "application/json"]] as [string, string][],
      },
      body: new TextEncoder().encode("{}"),
      receivedAt: new Date(),
    })),
  );
}

async function countEvents({ database }: Services, kind: string): Promise<number> {
  const [{ n }] = await database.query("count events", (sql) =>
    sql<{ n: number }[]>`
      select count(*)::int as n from task_events e join tasks t on t.id = e.task_id
      where e.kind = ${kind}`);
  return n;
}

/** Kills a worker with tasks in hand so many times. @returns how long each of them waited, in ms. */
async function measure(env: Record<string, string>, kills: number): Promise<number[]> {
  const stop = new AbortController();
  const services = await openServices(readConfig(env), createLog("silent"), stop.signal);
  await services.ready;
  const { database } = services;
  const countAlive = async () => (await listWorkers(database)).filter(({ alive }) => alive).length;
  const times: number[] = [];
  let worker = startWorker(env);
  try {
    for (let kill = 0; kill < kills; kill++) {
      await database.query("clear", (sql) => sql`delete from messages`);
      await database.query(
        "clear",
        (sql) => sql`delete from workers where last_seen < now() - interval '4 seconds'`,
      );
      await makeTasks(services);
      await waitFor("the start", async () => await countEvents(services, "started") === TASKS);
      const other = startWorker(env);
      await waitFor("another worker", async () => await countAlive() === 2);
      await pause(Math.random() * HEARTBEAT_MS);
      const killedAt = Date.now();
      await worker.kill("SIGKILL");
      await waitFor(
        "it to take over",
        async () => await countEvents(services, "taken_over") === TASKS,
      );
      const rows = await database.query(
        "read when",
        (sql) => sql<{ at: Date }[]>`select at from task_events where kind = 'taken_over'`,
      );
      times.push(...rows.map(({ at }) => at.getTime() - killedAt));
      worker = other;
    }
  } finally {
    await worker.kill("SIGKILL");
    stop.abort();
    await services[Symbol.asyncDispose]();
  }
  return times.sort((a, b) => a - b);
}

async function main(): Promise<void> {
  const kills = Number(options.kills);
  const postgres = await startPostgres();
  const redis = await startRedis();
  if (!postgres || !redis) throw new Error("This needs PostgreSQL and Redis");
  try {
    console.log("| size | kills | tasks | p50 | longest |");
    console.log("| ---- | ----- | ----- | --- | ------- |");
    for (const size of ["postgres", "full"]) {
      if ((options.size ?? size) !== size) continue;
      const DATABASE_URL = await postgres.createDatabase();
      const env: Record<string, string> = { LOG_LEVEL: "silent", DATABASE_URL };
      if (size === "full") env.REDIS_URL = redis.url;
      const times = await measure(env, kills);
      const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
      console.log(
        `| ${size} | ${kills} | ${times.length} | ${seconds(times[times.length >> 1])} | ${
          seconds(times.at(-1)!)
        } |`,
      );
    }
  } finally {
    await Promise.all([postgres.stop(), redis.stop()]);
  }
}

if (options.help) console.log(HELP);
else await main();

/**
 * `deno task bench-deploy`: how quick `deploy.ts` is where processes start by request.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import postgres from "postgres";
import { freePort } from "../tests/servers/ports.ts";
import { startPostgres } from "../tests/servers/postgres.ts";
import { type Process, startProcess } from "../tests/servers/process.ts";
import { openRelay } from "../tests/servers/relay.ts";
import { pause } from "./servers.ts";

const HELP = `How quick deploy.ts is, beside a database that is near and one that is far away.

  deno task bench-deploy [--starts 10] [--webhooks 40] [--far 40] [--kills 0]

Cold start: from starting the process to the 200 of its first webhook. Settled: from the moment a
webhook came to the end of its task, one at a time. Stop: from SIGINT to the end of the process.
With --kills, also how long the work of a process that was killed right after its 200 takes until
another one, which only its cron wakes, has finished it (a minute and more for each).
`;

const { values: options } = parseArgs({
  options: {
    starts: { type: "string", default: "10" },
    webhooks: { type: "string", default: "40" },
    /** Milliseconds of a round trip. */
    far: { type: "string", default: "40" },
    kills: { type: "string", default: "0" },
    help: { type: "boolean", default: false },
  },
});

const ADMIN_TOKEN = "the token of this bench";
const WAIT_MS = 120_000;

interface Isolate {
  process: Process;
  origin: string;
  /** Milliseconds to the first 200. */
  coldMs: number;
}

async function startIsolate(databaseUrl: string): Promise<Isolate> {
  const port = await freePort();
  const began = performance.now();
  const process = startProcess(["-A", "deploy.ts"], {
    DENO_DEPLOY: "true",
    DATABASE_URL: databaseUrl,
    DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
    ADMIN_TOKEN,
    LOG_LEVEL: "warn",
  });
  const origin = `http://127.0.0.1:${port}`;
  while (!await send(origin).catch(() => false)) {
    if (performance.now() - began > WAIT_MS) throw new Error(process.lines.join("\n"));
    await pause(2);
  }
  return { process, origin, coldMs: performance.now() - began };
}

async function send(origin: string): Promise<string | false> {
  const answer = await fetch(`${origin}/webhook/bench`, { method: "POST", body: '{"a":1}' });
  const { message_id } = await answer.json();
  return answer.ok && message_id;
}

/** Seconds of the database's clock from a message's coming to its task's end. */
async function waitUntilSettled(sql: postgres.Sql, id: string): Promise<number> {
  const until = performance.now() + WAIT_MS;
  for (;;) {
    const [row] = await sql<{ ms: number | null }[]>`
      select extract(epoch from t.finished_at - m.received_at) * 1000 as ms
      from messages m join tasks t on t.message_id = m.id where m.id = ${id}`;
    if (row && row.ms !== null) return Number(row.ms);
    if (performance.now() > until) throw new Error(`Waited in vain for the task of ${id}`);
    await pause(5);
  }
}

function middleAndMost(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [p50, most] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)!];
  return `${Math.round(p50)} ms (most ${Math.round(most)})`;
}

/** The most memory that a process has had, in MB; Linux alone tells. */
async function peakMemory(pid: number): Promise<number> {
  // Deno itself would read there only with all permissions.
  const { stdout } = await promisify(execFile)("cat", [`/proc/${pid}/status`]);
  return Number(/VmHWM:\s+(\d+)/.exec(stdout)?.[1]) / 1_024;
}

async function measure(name: string, near: string, databaseUrl: string): Promise<void> {
  const sql = postgres(near, { max: 1, onnotice() {} });
  const cold: number[] = [];
  const stops: number[] = [];
  const settled: number[] = [];
  let memory = 0;
  let connections = 0;
  for (let start = 0; start < Number(options.starts); start++) {
    const { process, origin, coldMs } = await startIsolate(databaseUrl);
    cold.push(coldMs);
    for (let sent = 0; sent < Number(options.webhooks) / Number(options.starts); sent++) {
      settled.push(await waitUntilSettled(sql, await send(origin) as string));
    }
    // What many at once need.
    await Promise.all(Array.from({ length: 50 }, () => send(origin)));
    const [{ count }] = await sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity
      where application_name = 'otto' and datname = current_database()`;
    connections = Math.max(connections, count);
    memory = Math.max(memory, await peakMemory(process.pid));
    const began = performance.now();
    const { code } = await process.kill("SIGINT");
    if (code !== 0) throw new Error(`It ended with ${code}: ${process.lines.join("\n")}`);
    stops.push(performance.now() - began);
  }
  console.log(
    `${name}: cold start ${middleAndMost(cold)}, settled ${middleAndMost(settled)}, ` +
      `stop ${middleAndMost(stops)}, connections ${connections}, memory ${Math.round(memory)} MB`,
  );
  await sql.end();
}

async function measureKills(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice() {} });
  const survivor = await startIsolate(databaseUrl);
  const settled: number[] = [];
  for (let kill = 0; kill < Number(options.kills); kill++) {
    const { process, origin } = await startIsolate(databaseUrl);
    // Several, so that some are left when it is killed.
    const ids = await Promise.all(Array.from({ length: 20 }, () => send(origin)));
    await process.kill("SIGKILL");
    for (const id of ids) settled.push(await waitUntilSettled(sql, id as string));
  }
  await survivor.process.kill("SIGINT");
  const most = Math.round(Math.max(...settled) / 1_000);
  console.log(`killed after the answer: all ${settled.length} finished, the last after ${most} s`);
  await sql.end();
}

if (options.help) {
  console.log(HELP);
} else {
  const server = (await startPostgres())!;
  try {
    const url = await server.createDatabase();
    await using migration = startProcess(["-A", "main.ts", "--migrate"], { DATABASE_URL: url });
    await migration.exited;
    await measure("near", url, url);
    await using relay = await openRelay(Number(new URL(url).port), {
      roundTripMs: Number(options.far),
    });
    const far = new URL(url);
    far.port = String(relay.port);
    await measure(`${options.far} ms away`, url, far.href);
    if (Number(options.kills) > 0) await measureKills(url);
  } finally {
    await server.stop();
  }
}

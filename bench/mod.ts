/**
 * `deno task bench`: how fast a webhook is kept, beside bare Hono, and how fast it is worked.
 *
 * @module
 */
import { cp } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type PostgresServer, startPostgres } from "../tests/servers/postgres.ts";
import { type RedisServer, startRedis } from "../tests/servers/redis.ts";
import { BEGINS, ENDS, type Order, type Outcome } from "./load.ts";
import { BODY_BYTES, SECRET } from "./payload.ts";
import { countMessages, type Finished, readFinished, waitUntilWorked } from "./rows.ts";
import {
  type CpuTimes,
  makeFolder,
  readCpuTimes,
  readPeakMemory,
  runProgram,
  startProgram,
} from "./servers.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url)).replace(/\/$/, "");
const SIZES = ["bare", "web", "embedded", "postgres", "full"] as const;
type Size = typeof SIZES[number];

const HELP = `How fast Otto keeps a webhook, beside bare Hono on the same machine in the same run.

  deno task bench [options]

Sizes, each in a process of its own, one after the other, in rounds:
  bare      Hono alone: reads the body, answers as many bytes
  web       the embedded size without its worker (PGlite, no fsync)
  embedded  the embedded size as it is: one process that serves and works
  postgres  main.ts on a PostgreSQL with fsync, no worker beside it
  full      main.ts on that PostgreSQL and a Redis with appendfsync always, no worker beside it
Then the whole way, with a worker: from the request to the finished digest.

Options:
  --sizes LIST       of the above, separated by commas (${SIZES.join(",")})
  --connections N    kept alive, each with one request on its way (64)
  --seconds N        counted in each turn (4)
  --warm-up N        seconds before that, not counted (2)
  --rounds N         turns of each size; figures are medians of the turns (3)
  --rate N           requests a second when measuring the whole way (200)
  --no-whole-way     only the accept path
  --no-signature     without GITHUB_WEBHOOK_SECRET: nothing is verified
  --wide             a body with an emoji in it, instead of ASCII alone
  --root DIR         another checkout to measure; repeat it to compare several in one run
  --json             print the figures as JSON, and the progress to stderr
  --help
`;

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: SIZES.join(",") },
    connections: { type: "string", default: "64" },
    seconds: { type: "string", default: "4" },
    "warm-up": { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "200" },
    "no-whole-way": { type: "boolean", default: false },
    "no-signature": { type: "boolean", default: false },
    wide: { type: "boolean", default: false },
    root: { type: "string", multiple: true },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** What is measured: a size of a checkout. */
interface Subject {
  name: string;
  size: Size;
  root: string;
}

/** One turn of a subject on the accept path. */
interface Turn extends Outcome {
  perSecond: number;
  /** Microseconds of CPU for each request. */
  cpu: { program: number; postgres: number; redis: number };
  peakMemory?: number;
  /** The share of all cores that strangers took meanwhile. */
  others: number;
  /** Answers 200 without a row: must be 0. */
  lost?: number;
}

interface Row {
  name: string;
  size: Size;
  turns: Turn[];
}

/** One subject on the whole way: as fast as it goes, then at a steady rate. */
interface Whole {
  name: string;
  flood: Finished & { perSecond: number; accepted: number };
  steady: { accept: Pick<Outcome, "p50" | "p99" | "max">; finished: Finished };
  peakMemory: Record<string, number | undefined>;
}

/** The private servers of a run. */
interface Servers {
  postgres?: PostgresServer;
  redis?: RedisServer;
}

const say = (line: string) => options.json ? console.error(line) : console.log(line);

/** A size that is running, with its database. */
interface Running extends AsyncDisposable {
  port: number;
  pids: Record<string, number>;
  databaseUrl?: string;
  folder: string;
  /** @throws when one of its programs has ended. */
  check(): void;
  /** Ends the programs; the database stays. */
  stop(): Promise<void>;
}

const emptyFolders = new Map<string, Awaited<ReturnType<typeof makeFolder>>>();

/**
 * A folder with an empty database, made once for each checkout: making one takes seconds and
 * four times the memory that using it does.
 */
async function emptyEmbedded(root: string): Promise<string> {
  let folder = emptyFolders.get(root);
  if (!folder) {
    emptyFolders.set(root, folder = await makeFolder());
    await using program = await startProgram({
      root,
      file: "main.ts",
      env: {},
      folder: folder.path,
    });
    await program.ready("/webhook/health");
  }
  return folder.path;
}

async function start(
  { size, root }: Subject,
  servers: Servers,
  { withWorker = false } = {},
): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await makeFolder());
  if (size === "web" || size === "embedded") {
    await cp(await emptyEmbedded(root), folder, { recursive: true });
  }
  const databaseUrl = size === "postgres" || size === "full"
    ? await servers.postgres?.createDatabase()
    : undefined;
  if (size === "full") await servers.redis?.flush();
  const env: Record<string, string> = {
    ...(options["no-signature"] ? {} : { GITHUB_WEBHOOK_SECRET: SECRET }),
    ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
    ...(size === "full" ? { REDIS_URL: servers.redis!.url } : {}),
    ...(size === "web" ? { BENCH_ROOT: root } : {}),
  };
  const own = { bare: `${HERE}/bare.ts`, web: `${HERE}/web.ts` } as Partial<Record<Size, string>>;
  const web = await startProgram({ root, file: own[size] ?? "main.ts", env, folder });
  stack.defer(() => web.stop());
  await web.ready(size === "bare" ? "" : "/webhook/health");
  const pids: Record<string, number> = { [own[size] ? size : "main.ts"]: web.pid };
  let worker: Awaited<ReturnType<typeof startProgram>> | undefined;
  if (withWorker && databaseUrl) {
    worker = await startProgram({ root, file: "worker.ts", env, folder });
    stack.defer(() => worker?.stop());
    pids["worker.ts"] = worker.pid;
  }
  const opened = stack.move();
  return {
    port: web.port,
    pids,
    databaseUrl,
    folder,
    check() {
      web.check();
      worker?.check();
    },
    async stop() {
      await Promise.all([web.stop(), worker?.stop()]);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface Loaded {
  outcome: Outcome;
  before: CpuTimes;
  after: CpuTimes;
}

/** Runs the load generator, in its own process, and notes the CPU times around what it counts. */
async function load(order: Partial<Order> & { port: number }): Promise<Loaded> {
  const given: Order = {
    connections: Number(options.connections),
    warmUpSeconds: Number(options["warm-up"]),
    seconds: Number(options.seconds),
    wide: options.wide,
    ...order,
  };
  const loaded: Partial<Loaded> = {};
  const reading: Promise<void>[] = [];
  await runProgram(`${HERE}/load.ts`, JSON.stringify(given), (line) => {
    if (line === BEGINS || line === ENDS) {
      reading.push(
        readCpuTimes().then((times) => {
          loaded[line === BEGINS ? "before" : "after"] = times;
        }),
      );
    } else {
      loaded.outcome = JSON.parse(line);
    }
  });
  await Promise.all(reading);
  return loaded as Loaded;
}

async function takeTurn(subject: Subject, servers: Servers): Promise<Turn> {
  await using running = await start(subject, servers);
  const { outcome, before, after } = await load({ port: running.port });
  running.check();
  const [pid] = Object.values(running.pids);
  const peakMemory = await readPeakMemory(pid);
  const used = (read: (times: CpuTimes) => number) =>
    (read(after) - read(before)) / Math.max(1, outcome.requests) * 1e6;
  const cpu = {
    program: used((times) => times.of(pid)),
    postgres: used((times) => times.named("postgres")),
    redis: used((times) => times.named("redis-server")),
  };
  await running.stop();
  const kept = running.databaseUrl ? await countMessages(running.databaseUrl) : undefined;
  return {
    ...outcome,
    perSecond: outcome.requests / outcome.seconds,
    cpu,
    peakMemory,
    others: (after.others - before.others) / (after.machine - before.machine),
    lost: kept === undefined ? undefined : Math.max(0, outcome.answered - kept),
  };
}

async function goWholeWay(subject: Subject, servers: Servers): Promise<Whole> {
  await using running = await start(subject, servers, { withWorker: true });
  const { port, pids, databaseUrl, folder } = running;
  const began = new Date();
  const flood = await load({ port, warmUpSeconds: 0 });
  await waitUntilWorked(port);
  const between = new Date();
  const steady = await load({ port, warmUpSeconds: 1, rate: Number(options.rate) });
  await waitUntilWorked(port);
  running.check();
  const peakMemory = Object.fromEntries(
    await Promise.all(
      Object.entries(pids).map(async ([name, pid]) => [name, await readPeakMemory(pid)]),
    ),
  );
  await running.stop();
  const [first, second] = await readFinished({ databaseUrl, folder }, [[began, between], [
    between,
    new Date(),
  ]]);
  const { p50, p99, max } = steady.outcome;
  return {
    name: subject.name,
    flood: {
      ...first,
      perSecond: first.tasks / first.seconds,
      accepted: flood.outcome.requests / flood.outcome.seconds,
    },
    steady: { accept: { p50, p99, max }, finished: second },
    peakMemory,
  };
}

function median(values: (number | undefined)[]): number {
  const sorted = values.filter((value) => value !== undefined).sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length === 0
    ? NaN
    : sorted.length % 2 === 1
    ? sorted[middle]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Of each turn to the bare one of its round, so that a slow minute counts for both. */
function ratioToBare(row: Row, bare: Row | undefined): number {
  return median(row.turns.map((turn, round) => {
    const beside = bare?.turns[round];
    return beside && turn.perSecond / beside.perSecond;
  }));
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column].length))
  );
  const line = (row: string[]) =>
    `| ${
      row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
      ).join(" | ")
    } |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

const shown = (value: number | undefined, digits = 0) =>
  value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
const percent = (share: number) => Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`;

function acceptTable(rows: Row[]): string {
  const bare = rows.find((row) => row.size === "bare");
  return table(
    [
      "accept path",
      "req/s",
      "of bare",
      "p50 ms",
      "p99 ms",
      "CPU µs/req",
      "+ postgres",
      "+ redis",
      "peak MB",
      "others",
      "failed",
      "lost",
    ],
    rows.map((row) => {
      const of = (read: (turn: Turn) => number | undefined) => median(row.turns.map(read));
      const total = (read: (turn: Turn) => number) =>
        row.turns.reduce((sum, turn) => sum + read(turn), 0);
      return [
        row.name,
        shown(of((turn) => turn.perSecond)),
        percent(ratioToBare(row, bare)),
        shown(of((turn) => turn.p50), 1),
        shown(of((turn) => turn.p99), 1),
        shown(of((turn) => turn.cpu.program)),
        shown(of((turn) => turn.cpu.postgres)),
        shown(of((turn) => turn.cpu.redis)),
        shown(of((turn) => turn.peakMemory)),
        percent(of((turn) => turn.others)),
        shown(total((turn) => Object.values(turn.failed).reduce((sum, each) => sum + each, 0))),
        row.turns[0].lost === undefined ? "–" : shown(total((turn) => turn.lost ?? 0)),
      ];
    }),
  );
}

function wholeTable(wholes: Whole[], rate: string): string {
  return table(
    [
      "whole way",
      "taken/s",
      "finished/s",
      `at ${rate}/s: p50`,
      "p99",
      "max ms",
      "finished p50",
      "p99 ms",
      "peak MB",
    ],
    wholes.map(({ name, flood, steady, peakMemory }) => [
      name,
      shown(flood.accepted),
      shown(flood.perSecond),
      shown(steady.accept.p50, 1),
      shown(steady.accept.p99, 1),
      shown(steady.accept.max, 1),
      shown(steady.finished.p50, 1),
      shown(steady.finished.p99, 1),
      Object.values(peakMemory).map((each) => shown(each)).join(" + "),
    ]),
  );
}

async function main(): Promise<void> {
  const sizes = options.sizes.split(",").map((size) => size.trim()) as Size[];
  const unknown = sizes.find((size) => !SIZES.includes(size));
  if (unknown !== undefined) throw new Error(`There is no size "${unknown}": ${SIZES.join(", ")}`);
  const roots = options.root ?? [fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "")];
  const subjects = sizes.flatMap((size) =>
    (size === "bare" ? roots.slice(0, 1) : roots).map((root) => ({
      name: roots.length === 1 || size === "bare" ? size : `${size} ${root}`,
      size,
      root,
    }))
  );

  await using stack = new AsyncDisposableStack();
  stack.defer(async () => {
    for (const folder of emptyFolders.values()) await folder[Symbol.asyncDispose]();
  });
  const servers: Servers = {};
  if (sizes.includes("postgres") || sizes.includes("full")) {
    // The tests' servers go without fsync; these do not.
    servers.postgres = await startPostgres({
      settings: { fsync: "on", full_page_writes: "on", shared_buffers: "128MB" },
    });
    if (!servers.postgres) throw new Error("No PostgreSQL found: --sizes bare,web,embedded");
    stack.defer(() => servers.postgres!.stop());
  }
  if (sizes.includes("full")) {
    servers.redis = await startRedis({ durable: true });
    if (!servers.redis) throw new Error("No Redis found: leave out the size full");
    stack.defer(() => servers.redis!.stop());
  }

  const { length: cores, 0: core } = cpus();
  const machine = `${cores} × ${core?.model.trim() || "CPU"}, Deno ${Deno.version.deno}`;
  say(
    `${machine}; ${options.connections} connections, ${BODY_BYTES} bytes${
      options.wide ? " with an emoji" : ""
    }, ${options["no-signature"] ? "nothing verified" : "signatures verified"}`,
  );

  const rows: Row[] = subjects.map(({ name, size }) => ({ name, size, turns: [] }));
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const [index, subject] of subjects.entries()) {
      const turn = await takeTurn(subject, servers);
      rows[index].turns.push(turn);
      say(
        `  round ${round}: ${subject.name} ${shown(turn.perSecond)} req/s, p50 ${
          shown(turn.p50, 1)
        } ms, p99 ${shown(turn.p99, 1)} ms`,
      );
    }
  }
  const wholes: Whole[] = [];
  for (const subject of options["no-whole-way"] ? [] : subjects) {
    if (subject.size === "bare" || subject.size === "web") continue;
    const whole = await goWholeWay(subject, servers);
    wholes.push(whole);
    say(`  the whole way: ${whole.name} finishes ${shown(whole.flood.perSecond)} a second`);
  }

  if (options.json) {
    console.log(JSON.stringify({ at: new Date(), machine, options, rows, wholes }, null, 2));
    return;
  }
  console.log(`\n${acceptTable(rows)}`);
  if (wholes.length > 0) console.log(`\n${wholeTable(wholes, options.rate)}`);
}

if (options.help) console.log(HELP);
else await main();

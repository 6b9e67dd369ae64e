/**
 * `deno task bench-backlog`: how fast one worker works off a backlog, and what its rows cost, one
 * checkout after the other on the same servers.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import postgres from "postgres";
import { type PostgresServer, startPostgres } from "../tests/servers/postgres.ts";
import { makeFolder, pause, startProgram } from "./servers.ts";

const HELP = `Fills the inbox by HTTP, then starts one worker.ts and waits until all is done.

  deno task bench-backlog [options]

  --messages N   how many (20000)
  --bytes N      the size of each body (1200)
  --rounds N     each checkout so often, in turn (2)
  --root FOLDER  a checkout; more than one may be given (this one)
  --help
`;

const { values: options } = parseArgs({
  options: {
    messages: { type: "string", default: "20000" },
    bytes: { type: "string", default: "1200" },
    rounds: { type: "string", default: "2" },
    root: { type: "string", multiple: true, default: [process.cwd()] },
    help: { type: "boolean", default: false },
  },
});

/** As many as keep the inbox's batches full. */
const SENDERS = 64;

interface Figures {
  root: string;
  acceptedPerSecond: number;
  workedPerSecond: number;
  /** Bytes a message, with its tasks, events and notifications; the tables alone, without indexes. */
  heapBytes: Record<string, number>;
  indexBytes: number;
  /** The share of HOT updates, by table. */
  hot: Record<string, number>;
}

async function measure(
  root: string,
  server: PostgresServer,
): Promise<Figures> {
  const messages = Number(options.messages);
  const databaseUrl = await server.createDatabase();
  const env = { DATABASE_URL: databaseUrl, LOG_LEVEL: "warn" };
  await using folder = await makeFolder();
  await using web = await startProgram({ root, file: "main.ts", env, folder: folder.path });
  await web.ready("/webhook/health");
  const sql = postgres(databaseUrl, { max: 1, onnotice() {} });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => sql.end());

  const body = makeBody(Number(options.bytes));
  let sent = 0;
  let began = performance.now();
  await Promise.all(Array.from({ length: SENDERS }, async () => {
    while (sent < messages) {
      const delivery = `${sent++}`;
      const answer = await fetch(`http://127.0.0.1:${web.port}/webhook/github`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": "GitHub-Hookshot/044aadd",
          "x-github-event": "push",
          "x-github-delivery": delivery,
        },
        body,
      });
      await answer.body?.cancel();
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
    }
  }));
  const acceptedPerSecond = messages / (performance.now() - began) * 1_000;
  await web.stop();
  await sql`vacuum analyze`;

  began = performance.now();
  await using worker = await startProgram({ root, file: "worker.ts", env, folder: folder.path });
  for (let left = 1; left > 0;) {
    await pause(100);
    worker.check();
    [{ left }] = await sql<{ left: number }[]>`
      select ${messages} - count(*)::int as left from tasks where finished_at is not null`;
  }
  const workedPerSecond = messages / (performance.now() - began) * 1_000;
  await worker.stop();
  await sql`select pg_stat_clear_snapshot()`;
  const tables = await sql<{ name: string; heap: number; index: number; hot: number | null }[]>`
    select relname as name, pg_table_size(relid)::float8 as heap,
      pg_indexes_size(relid)::float8 as index,
      (n_tup_hot_upd::float8 / nullif(n_tup_upd, 0)) as hot
    from pg_stat_user_tables`;
  return {
    root,
    acceptedPerSecond,
    workedPerSecond,
    heapBytes: Object.fromEntries(
      tables.filter(({ heap }) => heap / messages > 10)
        .map(({ name, heap }) => [name, Math.round(heap / messages)]),
    ),
    indexBytes: Math.round(tables.reduce((all, { index }) => all + index, 0) / messages),
    hot: Object.fromEntries(
      tables.filter(({ name }) => ["messages", "tasks"].includes(name))
        .map(({ name, hot }) => [name, Number((hot ?? 0).toFixed(2))]),
    ),
  };
}

/** A push, as far as its title and digest go, filled up to its size. */
function makeBody(bytes: number): string {
  const event = {
    ref: "refs/heads/main",
    repository: { full_name: "octo/phone", html_url: "https://github.example/octo/phone" },
    pusher: { name: "ada" },
    sender: { login: "ada" },
    compare: "https://github.example/octo/phone/compare/1...2",
    commits: [{ id: "2", message: "Ring twice", author: { name: "Ada" } }],
    padding: "",
  };
  const missing = Math.max(0, bytes - JSON.stringify(event).length);
  return JSON.stringify({
    ...event,
    padding: "The quick brown fox. ".repeat(missing).slice(0, missing),
  });
}

if (options.help) {
  console.log(HELP);
} else {
  const server = await startPostgres();
  if (!server?.own) throw new Error("Cannot measure: the binaries of PostgreSQL are not found");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => server.stop());
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const root of options.root) {
      const { root: at, ...figures } = await measure(root, server);
      console.log(at, JSON.stringify(figures));
    }
  }
}
process.exit(0);

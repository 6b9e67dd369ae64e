/**
 * `deno task bench-pages`: how long the server takes for a page of a long list, on PostgreSQL.
 *
 * @module
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createApp } from "../handlers/mod.ts";
import { readConfig } from "../lib/config/config.ts";
import type { Database } from "../lib/store/database.ts";
import { createLog } from "../lib/process/log.ts";
import { openThroughput } from "../lib/monitor/stats/throughput.ts";
import { openServices } from "../lib/services.ts";
import { ensureWebhookUser } from "../lib/people/user.ts";
import { startPostgres } from "../tests/servers/postgres.ts";

const HELP = `How long Otto takes for a page of a long list, from the request to the last byte.

  deno task bench-pages [--rows 10000] [--rounds 3]

Every list is read from its newest page to its oldest, by the links on the pages.
`;

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});

/** Lists to be read to their ends. */
const LISTS = [
  "/messages",
  "/messages?source=acme&sig=unverified",
  "/messages?q=row+1",
  "/tasks",
  "/tasks?status=open",
];
/** Pages without an end. */
const SINGLE = ["/", "/users", "/system", "/sources"];

/** Fills the last hour: each message with its task, two events and one notification. */
async function fill(database: Database, rows: number): Promise<void> {
  const assignee = await ensureWebhookUser(database);
  const id = (kind: string) =>
    `(lpad(to_hex((extract(epoch from now()) * 1000)::bigint - (${rows} - n)::bigint * 3600000 / ${rows}),
      12, '0') || '7${kind}8000' || lpad(to_hex(n), 12, '0'))::uuid`;
  const at = `now() - (${rows} - n) * interval '1 hour' / ${rows}`;
  const statements = [
    `insert into messages (id, webhook_type, source, verification, envelope, body, size,
       received_at, stored_at, claimed_at, settled_at, state, event, title, task_id)
     select ${id("001")}, 'acme', 'generic', 'unverified',
       '{"url":"http://localhost/webhook/acme","client_ip":"192.0.2.7","delivery_id":null,' ||
       '"headers":[["content-type","application/json"]]}',
       '{"text":"' || repeat('x', 2000) || '"}', 2012, ${at}, ${at}, ${at}, ${at}, 'processed',
       'row.done', 'acme: row ' || n || ' was done', ${id("002")}
     from generate_series(1, ${rows}) n`,
    `insert into tasks (id, message_id, source, title, description, status, assigned_to,
       result_text, created_at, started_at, finished_at)
     select ${id("002")}, ${id("001")}, 'generic', 'acme: row ' || n || ' was done',
       'Process acme webhook event with payload containing 1 fields.',
       case when n % 10 = 0 then 'waiting_input' else 'completed' end, '${assignee}',
       'It is done.', ${at}, ${at}, case when n % 10 <> 0 then ${at} end
     from generate_series(1, ${rows}) n`,
    `insert into task_events (id, task_id, kind, actor)
     select ${id("003")}, ${id("002")}, 'created', 'otto' from generate_series(1, ${rows}) n`,
    `insert into notifications (id, cause, task_id, channel, destination, kind, text, state,
       sent_at, read_at)
     select ${id("004")}, 'row:' || n, ${
      id("002")
    }, 'web', 'web', 'completed', 'Completed: row ' || n,
       'sent', ${at}, case when n % 100 <> 0 then now() end
     from generate_series(1, ${rows}) n`,
    "analyze",
  ];
  // One moment for all of them, so that an id is the same wherever it stands.
  const text = statements.join(";\n").replaceAll(
    "now()",
    `'${new Date().toISOString()}'::timestamptz`,
  );
  await database.query("fill the tables", (sql) => sql.unsafe(text), 300_000);
}

interface Figures {
  what: string;
  pages: number;
  p50: number;
  p99: number;
  max: number;
}

function figuresOf(what: string, times: number[]): Figures {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { what, pages: times.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! };
}

async function main(): Promise<void> {
  const rows = Number(options.rows);
  const postgres = await startPostgres({ settings: { shared_buffers: "128MB" } });
  if (!postgres) throw new Error("No PostgreSQL found on this machine");
  const stop = new AbortController();
  try {
    const config = readConfig({
      DATABASE_URL: await postgres.createDatabase(),
      LOG_LEVEL: "error",
    });
    await using services = await openServices(config, createLog("error"), stop.signal);
    await services.ready;
    await fill(services.database, rows);
    const app = createApp({ services, stop: stop.signal });
    const ask = async (path: string) => {
      const began = performance.now();
      const request = new Request(`http://localhost:8000${path}`, {
        headers: { host: "localhost:8000" },
      });
      const answer = await app.fetch(request, { address: () => "127.0.0.1" });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}`);
      return { text, ms: performance.now() - began };
    };
    for (const path of [...LISTS, ...SINGLE]) await ask(path);

    const figures: Figures[] = [];
    for (const list of LISTS) {
      const times: number[] = [];
      for (let round = 0; round < Number(options.rounds); round++) {
        let path: string | undefined = list;
        while (path !== undefined) {
          const { text, ms }: { text: string; ms: number } = await ask(path);
          times.push(ms);
          path = /<a rel="next" href="([^"]+)"/.exec(text)?.[1].replaceAll("&amp;", "&");
        }
      }
      figures.push(figuresOf(list, times));
    }
    for (const path of SINGLE) {
      const times: number[] = [];
      for (let i = 0; i < 30; i++) times.push((await ask(path)).ms);
      figures.push(figuresOf(path, times));
    }
    const pulse: number[][] = [[], []];
    for (let i = 0; i < 5; i++) {
      const read = openThroughput(services.database, { freshMs: 0, rest: 0 });
      for (const times of pulse) {
        const began = performance.now();
        await read();
        times.push(performance.now() - began);
      }
    }
    figures.push(figuresOf("the lanes' hour, first look", pulse[0]));
    figures.push(figuresOf("the lanes' hour, next look", pulse[1]));

    const [core] = cpus();
    console.log(
      `${cpus().length} × ${core?.model.trim()}, Deno ${Deno.version.deno}; ${rows} rows\n`,
    );
    console.log("| what | pages | p50 ms | p99 ms | max ms |\n| --- | ---: | ---: | ---: | ---: |");
    for (const { what, pages, p50, p99, max } of figures) {
      const cells = [pages, ...[p50, p99, max].map((ms) => ms.toFixed(1))];
      console.log(`| ${what.startsWith("/") ? `\`${what}\`` : what} | ${cells.join(" | ")} |`);
    }
  } finally {
    stop.abort();
    await postgres.stop();
  }
}

if (options.help) console.log(HELP);
else await main();

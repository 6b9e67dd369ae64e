import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { env } from "node:process";
import postgres from "postgres";
import { createLog } from "../../lib/process/log.ts";
import { newId } from "../../lib/store/id.ts";
import { migrate } from "../../lib/store/schema/migrate.ts";
import { finishUpgrades } from "../../lib/store/schema/upgrade.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { describeWith } from "../servers/mod.ts";
import { insertAsBefore, makeTablesAsBefore } from "./before.ts";

const log = createLog("silent");
/** By hand `OTTO_UPGRADE_ROWS=3000000`, which takes some minutes. */
const ROWS = Number(env.OTTO_UPGRADE_ROWS ?? 200_000);
const SENDERS = 4;
/** Between two messages of one sender: a house that is busy and not at its end. */
const PAUSE_MS = 20;
const USUAL_MS = 3_000;
/** A message that is not kept after this is answered with 503, or spilled. */
const REFUSED_MS = 1_500;

describeWith({ postgres: "own" }, "an upgrade of a large database", (servers) => {
  it("is felt by nobody who sends", async () => {
    const url = await servers.postgres.createDatabase();
    const sql = postgres(url, { max: SENDERS + 1, onnotice() {} });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => sql.end());
    await makeTablesAsBefore(sql);
    await sql`
      insert into messages (id, webhook_type, source, verification, envelope, body, size,
        received_at, state, settled_at)
      select gen_random_uuid(), 'test', 'generic', 'unverified',
        '{"url":"","client_ip":"","delivery_id":null,"headers":[]}', repeat('x', 300), 300, now(),
        case n % 50 when 0 then 'failed' else 'processed' end, now()
      from generate_series(1, ${ROWS}::int) n`;
    await sql`insert into users (id, email, name, kind)
      values (gen_random_uuid(), 'webhook@otto.local', 'Webhooks', 'system')`;
    await sql`
      insert into tasks (id, message_id, source, title, description, status, assigned_to, finished_at)
      select gen_random_uuid(), m.id, 'generic', 't', 'd', 'completed', u.id, now()
      from messages m, users u`;
    await sql`analyze`;

    let latencies: number[] = [];
    let sends = true;
    const senders = Array.from({ length: SENDERS }, async () => {
      while (sends) {
        const began = performance.now();
        await insertAsBefore(sql, newId(), newId());
        latencies.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    });
    await new Promise((resolve) => setTimeout(resolve, USUAL_MS));
    const usual = percentiles(latencies);
    latencies = [];

    await using database = openServer({ url, log });
    await migrate(database, log);
    await sql`update upgrades set at = now()`;
    await finishUpgrades({ database, server: database, log, signal: new AbortController().signal });
    const during = percentiles(latencies);
    sends = false;
    await Promise.all(senders);
    console.log(
      `${ROWS} rows: usually p99 ${usual.p99} ms, max ${usual.max}; ` +
        `meanwhile p99 ${during.p99} ms, max ${during.max}`,
    );
    assert(during.max < REFUSED_MS, `a message waited ${during.max} ms`);
    const [{ left }] = await sql<{ left: number }[]>`
      select count(*)::int as left from pg_indexes where indexname = 'messages_suspect'`;
    assertEquals(left, 0);
  });
});

function percentiles(values: number[]) {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) =>
    Number(
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1),
    );
  return { p99: at(0.99), max: at(1) };
}

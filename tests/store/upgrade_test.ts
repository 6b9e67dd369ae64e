import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import postgres from "postgres";
import { claimMessages } from "../../lib/message/claim.ts";
import { completeMessages } from "../../lib/message/complete.ts";
import { deleteMessage } from "../../lib/message/delete.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { readMessage } from "../../lib/message/message.ts";
import { redeliverMessages } from "../../lib/message/redeliver.ts";
import { beat } from "../../lib/monitor/heartbeat.ts";
import { readStats } from "../../lib/monitor/stats/read_stats.ts";
import { openPostgresJobs } from "../../lib/jobs/postgres.ts";
import { ensureWebhookUser } from "../../lib/people/user.ts";
import { createLog } from "../../lib/process/log.ts";
import { openLocalQueue } from "../../lib/queue/queue.ts";
import { foldCounts } from "../../lib/store/counts.ts";
import type { Database } from "../../lib/store/database.ts";
import { newId } from "../../lib/store/id.ts";
import { migrate } from "../../lib/store/schema/migrate.ts";
import { finishUpgrades } from "../../lib/store/schema/upgrade.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { claimTasks } from "../../lib/task/claim.ts";
import { finishTasks } from "../../lib/task/finish.ts";
import { messageOf } from "../queue/contract.ts";
import { describeWith, until } from "../servers/mod.ts";
import { insertAsBefore, makeTablesAsBefore } from "./before.ts";

const log = createLog("silent");
/** What a worker of 904017b does with the messages that wait. */
async function claimAsBefore(sql: postgres.Sql): Promise<postgres.Row[]> {
  return await sql`
    with waiting as (
      select id, size from messages
      where state = 'new' and (lease_until is null or lease_until < now()) and attempts < 2
      order by id limit 64 for update skip locked
    )
    update messages m set lease_until = now() + interval '8 seconds', worker = 'old',
      epoch = m.epoch + 1, attempts = m.attempts + 1
    from waiting where m.id = waiting.id
    returning m.id, m.envelope, m.body`;
}

describeWith({ postgres: true }, "an upgrade", (servers) => {
  /** A database as 904017b left it, with a worker of it about or not. */
  async function openBefore({ worker = false } = {}) {
    const url = await servers.postgres.createDatabase();
    const sql = postgres(url, { max: 1, onnotice() {} });
    await makeTablesAsBefore(sql);
    if (worker) await sql`insert into workers (id, host, roles, doing) values ('a', 'a', '{}', '')`;
    const database = openServer({ url, log });
    const stop = new AbortController();
    return {
      sql,
      database,
      upgrade: () => finishUpgrades({ database, server: database, log, signal: stop.signal }),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await sql.end();
        await database[Symbol.asyncDispose]();
      },
    };
  }

  /** Everything is about: what the release before would not find may not be written yet. */
  const makeGone = (sql: postgres.Sql) =>
    sql.unsafe(`
      update upgrades set at = now() where name = 'contents apart';
      delete from workers where release is null;`);

  it("leaves what was kept readable, claimed, replayed and known as a repeat", async () => {
    await using place = await openBefore();
    const { sql, database } = place;
    const ids = [newId(), newId(), newId()];
    for (const id of ids) await insertAsBefore(sql, id, id);
    await migrate(database, log);
    await makeGone(sql);
    await place.upgrade();

    const kept = await readMessage(database, ids[0]);
    assertEquals(new TextDecoder().decode(kept?.body), `{"title":"from ${ids[0]}"}`);
    assertEquals(kept?.client_ip, "192.0.2.7");
    const again = messageOf({ deliveryId: ids[1], body: `{"title":"from ${ids[1]}"}` });
    const [receipt] = await storeMessages(database, [again]);
    assertEquals([receipt.messageId, receipt.repeat], [ids[1], true]);
    const [replay] = await redeliverMessages(database, [
      { id: ids[2], verification: "unverified" },
    ]);
    const copy = await readMessage(database, replay.message_id);
    assertEquals(copy?.body, (await readMessage(database, ids[2]))?.body);
    const claimed = await claimMessages(database, { worker: "new", max: 10 });
    assertEquals(claimed.map(({ id }) => id).sort(), [...ids, replay.message_id].sort());
    assert(claimed.every(({ body, url }) => body!.byteLength > 0 && url.startsWith("http")));
  });

  it("lets processes of the release before accept and work until they are gone", async () => {
    await using place = await openBefore({ worker: true });
    const { sql, database } = place;
    await migrate(database, log);
    const mine = messageOf({ body: `{"n":1}` });
    await storeMessages(database, [mine]);
    const theirs = newId();
    await insertAsBefore(sql, theirs, "after the migration");
    const claimed = await claimAsBefore(sql);
    assertEquals(claimed.map(({ id }) => id).sort(), [mine.id, theirs].sort());
    assertEquals(claimed.find(({ id }) => id === mine.id)?.body, `{"n":1}`);
    await sql`update messages set lease_until = now() - interval '1 second'`;
    const found = await claimMessages(database, { worker: "new", max: 10 });
    assert(found.every(({ body }) => body!.byteLength > 0));

    const indexes = async () =>
      (await sql`select indexname as name from pg_indexes where tablename in ('messages', 'tasks')`)
        .map(({ name }) => name);
    const upgraded = place.upgrade();
    await until(async () => (await indexes()).includes("tasks_jobless"), {
      what: "the new indexes",
    });
    assert((await indexes()).includes("messages_suspect"), "theirs are there as long as they are");
    await makeGone(sql);
    const after = messageOf({ body: `{"n":2}` });
    await storeMessages(database, [after]);
    const [{ body, envelope }] = await sql`select body, envelope from messages
      where id = ${after.id}`;
    assertEquals([body, envelope], [null, null]);
    assertEquals(
      new TextDecoder().decode((await readMessage(database, after.id))?.body),
      `{"n":2}`,
    );
    // It looks again in a while.
    void upgraded;
  });

  it("is finished by one of the processes that start together", async () => {
    await using place = await openBefore();
    const { sql, database } = place;
    for (let n = 0; n < 20; n++) await insertAsBefore(sql, newId(), `${n}`);
    await migrate(database, log);
    await makeGone(sql);
    await Promise.all([place.upgrade(), place.upgrade(), place.upgrade()]);
    const invalid = await sql`select from pg_index where not indisvalid`;
    assertEquals(invalid.length, 0);
    await assertCountsAreTrue(place);
    const turns = await sql`select from upgrades where name = 'turn'`;
    assertEquals(turns.length, 0);
    // Again: nothing is left to do, and nothing is counted twice.
    await sql`delete from upgrades where name = '0013_rows.after.sql'`;
    await place.upgrade();
    await assertCountsAreTrue(place);
  });

  it("counts what there was, whatever is written meanwhile, and goes on from where it was cut off", async () => {
    await using place = await openBefore();
    const { sql, database } = place;
    await sql`
      insert into messages (id, webhook_type, source, verification, envelope, body, size,
        received_at, state, repeats)
      select gen_random_uuid(), 'type' || n % 3, 'generic', 'unverified', '{}', '{}', 2, now(),
        case n % 4 when 0 then 'failed' else 'processed' end, n % 2
      from generate_series(1, 20000) n`;
    await migrate(database, log);
    // A build that was cut off: a name without a use.
    await sql`create index concurrently messages_source on messages (source, id)`;
    await sql`update pg_index set indisvalid = false
      where indexrelid = 'messages_source'::regclass`;
    await makeGone(sql);
    const upgraded = place.upgrade();
    const written = Array.from(
      { length: 50 },
      (_, n) => storeMessages(database, [messageOf({ deliveryId: `${n % 40}` })]),
    );
    await Promise.all([upgraded, ...written]);
    await assertCountsAreTrue(place);
    const [{ valid }] = await sql`select indisvalid as valid from pg_index
      where indexrelid = 'messages_source'::regclass`;
    assert(valid);
    assertEquals(
      [...await sql`select name from upgrades where name = '0013_rows.after.sql'`].length,
      1,
    );
  });

  /** Holds what is kept as things change against the rows themselves. */
  async function assertCountsAreTrue(
    { sql, database }: { sql: postgres.Sql; database: Database },
  ): Promise<void> {
    const kept = await sql`
      select kind, type, state, sum(items)::int as items, sum(repeats)::int as repeats
      from counts group by 1, 2, 3 having sum(items) <> 0 or sum(repeats) <> 0 order by 1, 2, 3`;
    const truth = await sql`
      select 'message' as kind, webhook_type as type, state, count(*)::int as items,
        sum(repeats)::int as repeats from messages group by 2, 3
      union all select 'task', '', status, count(*)::int, 0 from tasks group by 3
      union all select 'task_messages', '', t.status, count(*)::int, 0
      from tasks t join messages m on m.task_id = t.id group by 3
      order by 1, 2, 3`;
    assertEquals([...kept], [...truth]);
    const [{ open }] = await sql`select count(*)::int as open from tasks
      where open is distinct from (status in ('pending', 'running', 'waiting_input'))`;
    assertEquals(open, 0);
    const jobs = openPostgresJobs(database);
    const { messages } = await readStats({ database, queue: openLocalQueue(), jobs });
    assertEquals(
      messages.total,
      truth.filter(({ kind }) => kind === "message")
        .reduce((all, { items }) => all + items, 0),
    );
  }

  it("keeps the counts true whatever is done", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    const sql = postgres(url, { max: 1, onnotice() {} });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => sql.end());
    await beat(database, {
      id: "w",
      host: "h",
      roles: [],
      doing: "",
      processed: 0,
      rules: null,
    });
    const assignee = await ensureWebhookUser(database);
    const all = Array.from(
      { length: 200 },
      (_, n) =>
        messageOf({ deliveryId: `${n % 150}`, body: `{"n":${n % 149}}`, webhookType: `t${n % 3}` }),
    );
    await storeMessages(database, all);
    for (;;) {
      const claimed = await claimMessages(database, { worker: "w", max: 64 });
      if (claimed.length === 0) break;
      const outcomes = claimed.map(({ id: messageId, epoch }, n) =>
        n % 5 === 0
          ? { messageId, epoch, error: "broken" }
          : { messageId, epoch, event: null, title: "t", description: "d" }
      );
      await completeMessages(database, outcomes, { assignee });
      await foldCounts(database);
    }
    const tasks = await claimTasks(database, { worker: "w", max: 64 });
    await finishTasks(
      database,
      tasks.slice(0, 40).map(({ id, epoch }) => ({
        taskId: id,
        epoch,
        actor: "a",
        tell: [],
        status: "completed" as const,
        result: { text: "", data: null },
      })),
    );
    for (const { id } of all.slice(0, 20)) await deleteMessage(database, id);
    await storeMessages(database, [
      messageOf({ deliveryId: "30", body: `{"n":30}`, webhookType: "t0" }),
    ]);
    await assertCountsAreTrue({ sql, database });
    await foldCounts(database);
    await assertCountsAreTrue({ sql, database });
    const left = await sql`select from message_contents
      where message_id not in (select id from messages)`;
    assertEquals(left.length, 0);
  });

  it("leaves nine of ten claims out of the indexes", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    const assignee = await ensureWebhookUser(database);
    for (let n = 0; n < 20; n++) {
      await storeMessages(database, Array.from({ length: 50 }, () => messageOf()));
    }
    const hot = async (table: string) => {
      await database.query("flush", (sql) => sql`select pg_stat_force_next_flush()`);
      const [row] = await database.query("look", (sql) =>
        sql<{ updates: number; hot: number }[]>`
          select n_tup_upd::int as updates, n_tup_hot_upd::int as hot
          from pg_stat_user_tables where relname = ${table}`);
      return row;
    };
    for (let claimed = 1; claimed > 0;) {
      const messages = await claimMessages(database, { worker: "w", max: 64 });
      claimed = messages.length;
      if (claimed === 0) break;
      await completeMessages(
        database,
        messages.map(({ id: messageId, epoch }) => ({
          messageId,
          epoch,
          event: null,
          title: "something happened",
          description: "Process test webhook event with payload containing 1 fields.",
        })),
        { assignee },
      );
      const tasks = await claimTasks(database, { worker: "w", max: 64 });
      assertEquals(tasks.length, claimed);
    }
    // Each message is claimed and then completed, each task only claimed.
    await until(async () => (await hot("tasks")).updates >= 1_000, { what: "the statistics" });
    const [messages, tasks] = [await hot("messages"), await hot("tasks")];
    assert(messages.hot >= messages.updates / 2 * 0.9, JSON.stringify(messages));
    assert(tasks.hot >= tasks.updates * 0.9, JSON.stringify(tasks));
  });
});

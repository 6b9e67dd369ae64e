import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import type { Database } from "../../lib/store/database.ts";
import { openEmbedded } from "../../lib/store/embedded/embedded.ts";
import { migrate } from "../../lib/store/schema/migrate.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { readTimeSeries } from "../../lib/monitor/stats/timeseries.ts";
import { newId } from "../../lib/store/id.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { createLog } from "../../lib/process/log.ts";
import { readMessage } from "../../lib/message/message.ts";
import { deleteMessage } from "../../lib/message/delete.ts";
import type { MessageSearch } from "../../lib/message/search/criteria.ts";
import { findMessageIds, searchMessages } from "../../lib/message/search/search.ts";
import { PHASES } from "../../lib/message/search/phase.ts";
import { WINDOW } from "../../lib/store/walk.ts";
import { listRefusals, openRefusalLog } from "../../lib/ingress/refusal_log.ts";
import { openThroughput } from "../../lib/monitor/stats/throughput.ts";
import {
  countRedelivered,
  redeliverEdited,
  redeliverMessages,
} from "../../lib/message/redeliver.ts";
import { readSourceStats } from "../../lib/monitor/stats/source_stats.ts";
import { readChannelStats } from "../../lib/monitor/stats/channel_stats.ts";
import { cancelTask } from "../../lib/task/task.ts";
import { countOpenTasks, ensureWebhookUser } from "../../lib/people/user.ts";
import { completeMessages } from "../../lib/message/complete.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { messageOf } from "../queue/contract.ts";
import { describeWith, until } from "../servers/mod.ts";

const log = createLog("silent");
const SOURCES = ["github", "stripe", "generic"];
/** Some pages of them, and few enough for a test. */
const MANY = 1_000;

searchSuite("searching the embedded store", () => openEmbedded(":memory:"));
describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  searchSuite(
    "searching",
    async () => openServer({ url: await servers.postgres.createDatabase(), log }),
  );
});

function searchSuite(name: string, open: () => Promise<Database> | Database): void {
  describe(name, () => {
    let database: Database;
    beforeAll(async () => {
      database = await open();
      await migrate(database, log);
    });
    afterAll(async () => await database[Symbol.asyncDispose]());

    const search = async (what: MessageSearch) =>
      (await searchMessages(database, what, { limit: 50, sources: SOURCES })).items
        .map(({ message_id }) => message_id);

    /** Keeps a message, and makes a task of it with this title. */
    async function keep(
      { title, source = "generic", delivery = null, ip = "192.0.2.7" }: {
        title: string;
        source?: string;
        delivery?: string | null;
        ip?: string;
      },
    ): Promise<string> {
      const id = newId();
      const message = messageOf({ id, body: `{"id":"${id}"}` });
      await storeMessages(database, [{
        ...message,
        id,
        source,
        webhookType: source === "generic" ? "demo" : source,
        envelope: { ...message.envelope, delivery_id: delivery, client_ip: ip },
      }]);
      const [{ epoch }] = await database.query(
        "look",
        (sql) => sql<{ epoch: number }[]>`select epoch from messages where id = ${id}`,
      );
      await completeMessages(
        database,
        [{ messageId: id, epoch, event: "thing.done", title, description: `Process ${title}` }],
        { assignee: await ensureWebhookUser(database) },
      );
      return id;
    }

    it("finds words in titles and events, whatever their case, and takes wildcards for text", async () => {
      const id = await keep({ title: "Backup of 100% done_now" });
      assertEquals(await search({ text: "BACKUP of" }), [id]);
      assertEquals(await search({ text: "100% done_now" }), [id]);
      assertEquals(await search({ text: "100_ done" }), []);
      assertEquals(await search({ text: "thing.d", limit: 1 } as MessageSearch), [id]);
      assertEquals(await search({ text: "'; drop table messages; --" }), []);
    });

    it("finds a message by its id or its beginning, its task, its delivery, its sender's address", async () => {
      const id = await keep({
        title: "By id",
        source: "github",
        delivery: "d-4711",
        ip: "198.51.100.3",
      });
      const [{ task_id }] = await database.query(
        "look",
        (sql) => sql<{ task_id: string }[]>`select task_id from messages where id = ${id}`,
      );
      for (
        const text of [id, id.toUpperCase(), id.slice(0, 23), task_id, "d-4711", "198.51.100.3"]
      ) {
        assertEquals(await search({ text }), [id], text);
      }
      assertEquals((await searchTasks(database, { text: task_id }, 10)).items.length, 1);
    });

    it("goes by source, state, signature and time, all together", async () => {
      const id = await keep({ title: "Together", source: "stripe" });
      const all: MessageSearch = {
        source: "stripe",
        state: "processed",
        verification: "unverified",
        since: new Date(Date.now() - 60_000),
      };
      assertEquals(await search(all), [id]);
      assertEquals(await search({ ...all, verification: "verified" }), []);
      assertEquals(await search({ ...all, state: "failed" }), []);
      assertEquals(await search({ ...all, since: new Date(Date.now() + 60_000) }), []);
      const { items } = await searchTasks(database, { source: "stripe", status: "pending" }, 10);
      assertEquals(items.map(({ title }) => title), ["Together"]);
      assertEquals((await searchTasks(database, { text: "cess toge" }, 10)).items.length, 1);
    });

    it("finds a text in bodies, whatever its case, and takes wildcards for text", async () => {
      const of = async (body: string | Uint8Array) => {
        const id = newId();
        const message = messageOf({ id, body: "" });
        const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
        await storeMessages(database, [{ ...message, id, webhookType: "bodies", body: bytes }]);
        return id;
      };
      const plain = await of('{"note":"Grüße an Zebra, 100% und C:\\\\path_x"}');
      const other = await of('{"note":"100 % und path-x"}');
      const bytes = await of(
        Uint8Array.of(0, 0xff, ...new TextEncoder().encode("a ZEBRA \\ in ü")),
      );
      const inBody = (body: string) => search({ body, webhook_type: "bodies" });
      assertEquals(await inBody("zebra"), [bytes, plain]);
      assertEquals(await inBody("grüsse"), []);
      assertEquals(await inBody("grüße AN"), [plain]);
      assertEquals(await inBody("100%"), [plain]);
      assertEquals(await inBody("path_X"), [plain]);
      assertEquals(await inBody("C:\\\\P"), [plain]);
      assertEquals(await inBody("und"), [other, plain]);
      assertEquals(await inBody("\\ in ü"), [bytes]);
      assertEquals(await inBody("'; drop table messages; --"), []);
      assertEquals(await search({ body: "zebra", state: "failed" }), []);
    });

    it("looks into at least one body, says how far it came, and looks further", async () => {
      const seen: string[] = [];
      const looked: unknown[] = [];
      let before: string | undefined;
      do {
        const { items, next, stopped } = await searchMessages(
          database,
          { body: "zebra", webhook_type: "bodies", before },
          { limit: 10, sources: SOURCES, bodyMs: 0 },
        );
        seen.push(...items.map(({ message_id }) => message_id));
        looked.push(stopped);
        before = next;
      } while (before);
      const all = await search({ webhook_type: "bodies" });
      assertEquals(all.length, 3);
      assertEquals(seen, [all[0], all[2]]);
      const timeOf = (id: string) =>
        new Date(Number.parseInt(id.replace("-", "").slice(0, 12), 16));
      assertEquals(looked, [
        { looked: 1, to: timeOf(all[0]) },
        { looked: 1, to: timeOf(all[1]) },
        undefined,
      ]);
      const page = await searchMessages(database, { body: "zebra" }, {
        limit: 1,
        sources: SOURCES,
      });
      assertEquals([page.items[0].message_id, page.next, page.stopped], [
        all[0],
        all[0],
        undefined,
      ]);
    });

    it("says the phase of a message, of its state and its task's status together", async () => {
      await ensureWebhookUser(database);
      await database.query("fill", (sql) =>
        sql`
        with made as (
          insert into messages (id, webhook_type, source, verification, envelope, size,
            received_at, state, lease_until, title, task_id)
          select gen_random_uuid(), 'phases', 'generic', 'unverified',
            '{"url":"","client_ip":"","delivery_id":null,"headers":[]}', 0, now(), m.state,
            case when m.title = 'held' then 'infinity'::timestamptz end, m.title,
            case when m.has_task then gen_random_uuid() end
          from (values ('new', false, 'new'), ('new', false, 'held'),
            ('filtered', false, 'filtered'), ('failed', false, 'failed'),
            ('rejected', false, 'rejected'), ('processed', true, 'pending'),
            ('processed', true, 'put off'), ('processed', true, 'running'),
            ('processed', true, 'waiting_input'), ('processed', true, 'completed'),
            ('processed', true, 'its task failed'), ('processed', true, 'cancelled'),
            ('processed', false, 'without its task')) as m(state, has_task, title)
          returning id, task_id, title
        )
        insert into tasks (id, message_id, source, title, description, status, assigned_to,
          error_code, not_before)
        select task_id, id, 'generic', title, '', case title when 'put off' then 'pending'
            when 'its task failed' then 'failed' else title end,
          (select id from users limit 1), case title when 'its task failed' then 'x' end,
          case title when 'put off' then now() + interval '1 hour' end
        from made where task_id is not null`);
      const expected: Record<string, string> = {
        new: "queued",
        held: "held",
        filtered: "filtered",
        failed: "failed",
        rejected: "refused",
        pending: "queued",
        "put off": "waiting",
        running: "working",
        waiting_input: "needs_you",
        completed: "done",
        "its task failed": "failed",
        cancelled: "cancelled",
        "without its task": "done",
      };
      const found = async (what: MessageSearch) =>
        (await searchMessages(database, { ...what, source: "phases" }, {
          limit: 50,
          sources: SOURCES,
        })).items.map(({ title, phase }) => [title, phase]).toSorted();
      assertEquals(await found({}), Object.entries(expected).toSorted());
      for (const phase of PHASES) {
        const its = Object.entries(expected).filter((each) => each[1] === phase);
        assertEquals(await found({ phase }), its.toSorted(), phase);
      }
      // They are none of the rows that other tests count.
      await database.query(
        "forget them",
        (sql) => sql`delete from messages where webhook_type = 'phases'`,
      );
    });

    it("gives every row once, page by page, newest first", async () => {
      await database.query("fill", (sql) =>
        sql`
        insert into messages (id, webhook_type, source, verification, envelope, body, size,
          received_at, state, title)
        select ('01a00000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'crowd', 'generic',
          'unverified', '{"url":"","client_ip":"","delivery_id":null,"headers":[]}', '{}', 2,
          now(), 'processed', 'Row ' || n from generate_series(1, ${MANY}) n`);
      const seen: string[] = [];
      let before: string | undefined;
      do {
        const page = await searchMessages(database, { source: "crowd", before }, {
          limit: 70,
          sources: SOURCES,
        });
        seen.push(...page.items.map(({ message_id }) => message_id));
        before = page.next;
        assert(!page.stopped, `stopped before ${WINDOW}`);
      } while (before);
      assertEquals(seen.length, MANY);
      assertEquals(seen, seen.toSorted().toReversed());
      assertEquals(new Set(seen).size, MANY);
    });

    it("counts what a replay would take, and how far it has come", async () => {
      const { ids } = await findMessageIds(database, { source: "crowd", text: "Row 99" }, {
        most: 100,
      });
      assertEquals(ids.length, 11);
      const { ids: upTo } = await findMessageIds(database, { source: "crowd" }, {
        most: 5,
        upTo: ids.at(-1),
      });
      assertEquals(upTo[0], ids.at(-1));
      const between = await findMessageIds(database, { source: "crowd" }, {
        most: 5,
        upTo: ids[0],
        from: ids[1],
      });
      assertEquals(between, { ids: ids.slice(0, 2) });
      const made = (await redeliverMessages(
        database,
        ids.slice(0, 3).map((id) => ({ id, verification: "unverified" })),
      )).map((each) => each.message_id)
        .toSorted();
      const range = { from: made[0], to: made[2] };
      assertEquals(await countRedelivered(database, range), {
        made: 3,
        waiting: 3,
        working: 0,
        done: 0,
        failed: 0,
      });
      assertEquals((await search({ replay_of: ids[0] })).length, 1);
      const batch: [string, string] = [made[0], made[2]];
      assertEquals(await search({ batch, state: "new" }), made.toReversed());
      assertEquals(await search({ batch, state: "taken" }), made.toReversed());
      assertEquals((await searchTasks(database, { batch, status: "open" }, 10)).items, []);
      await deleteMessage(database, made[1]);
      assertEquals((await countRedelivered(database, range)).made, 2);
    });

    it("knows what came from each source, and when", async () => {
      const [github] = await readSourceStats(database, ["github"]);
      assertEquals(github.taken, 1);
      assertEquals(github.hours.at(-1), 1);
      assert(Math.abs(Date.now() - github.last!.at.getTime()) < 600_000);
    });

    it("tells the past by steps", async () => {
      for (const span of ["1h", "24h", "7d"] as const) {
        const { received, completed, p50, isCut } = await readTimeSeries(database, span);
        assertEquals([completed.length, p50.length], [received.length, received.length]);
        assert(received.reduce((all, each) => all + each, 0) >= 3);
        assert(!isCut);
      }
      assertEquals((await readChannelStats(database)).length, 0);
    });

    it("counts the latest hour by the minute, and past minutes only once", async () => {
      const read = openThroughput(database, { freshMs: 0, rest: 0 });
      const all = (values: number[]) => values.reduce((sum, each) => sum + each, 0);
      const before = await read();
      assertEquals(Object.values(before).map(({ length }) => length), [60, 60, 60, 60, 60]);
      assertEquals([all(before.task), all(before.agent), all(before.notify)], [3, 0, 0]);
      const id = await keep({ title: "One more" });
      const more = await read();
      assertEquals(all(more.task), all(before.task) + 1);
      assertEquals(all(more.receive), all(before.receive) + 1);
      // A minute that has passed is not looked at again.
      const move = (minutes: number) =>
        database.query(
          "move in time",
          (sql) =>
            sql`update messages set settled_at = now() - make_interval(mins => ${minutes})
            where id = ${id}`,
        );
      await move(30);
      assertEquals(all((await read()).task), all(before.task));
      const anew = (await openThroughput(database, { freshMs: 0 })()).task;
      assert(anew.slice(28, 31).includes(1), `in the middle of ${anew}`);
    });

    it("counts the open tasks of people, and lists just these", async () => {
      const assignee = await ensureWebhookUser(database);
      const open = async () => ({
        counted: (await countOpenTasks(database, [assignee, newId()])).get(assignee) ?? 0,
        listed: (await searchTasks(database, { status: "open", assigned_to: assignee }, 100))
          .items.map(({ id }) => id),
      });
      const before = await open();
      assertEquals(before.counted, before.listed.length);
      await cancelTask(database, { id: before.listed[0], actor: "test" });
      const after = await open();
      assertEquals([after.counted, after.listed.length], [
        before.counted - 1,
        before.counted - 1,
      ]);
    });

    it("makes an edited replay of a message, whatever bytes it gets", async () => {
      const { ids: [id] } = await findMessageIds(database, { source: "crowd" }, { most: 1 });
      for (const body of [new TextEncoder().encode("{}"), Uint8Array.of(0xff, 0)]) {
        const made = await redeliverEdited(database, { id, body });
        const found = (await readMessage(database, made!.message_id))!;
        assertEquals([...found.body], [...body]);
        assertEquals([found.edited, found.replay_of, found.state], [true, id, "new"]);
      }
      await deleteMessage(database, id);
      assertEquals(await redeliverEdited(database, { id, body: new Uint8Array() }), undefined);
    });

    it("keeps the last refusal of each source, and counts them", async () => {
      const refusals = openRefusalLog({ database, log });
      for (const message of ["first\0", "second"]) {
        const refused = { status: 401, code: "signature_mismatch", message, hint: "Check it" };
        refusals.note("github", refused, "GitHub");
      }
      const kept = await until(async () => {
        const found = (await listRefusals(database)).find(({ source }) => source === "github");
        return found?.count === 2 && found;
      }, { what: "two refusals" });
      assertEquals([kept.code, kept.message, kept.hint], [
        "signature_mismatch",
        "second",
        "Check it",
      ]);
    });
  });
}

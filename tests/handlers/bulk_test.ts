import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { countRedelivered } from "../../lib/message/redeliver.ts";
import { drain } from "../../lib/work/drain.ts";
import { createWorker } from "../../lib/work/work.ts";
import { json, JSON_TYPE, openOtto, type Otto } from "../otto.ts";

const GO_ON = new AbortController().signal;

const read = (otto: Otto, id: string) => otto.get(`/api/bulk/${id}`);

/** So many messages of one type that were worked long ago, with their contents. */
async function crowd(otto: Otto, count: number): Promise<void> {
  await otto.services.database.query(
    "make a crowd",
    (sql) =>
      sql`insert into messages (id, webhook_type, source, verification, size, received_at, state,
        settled_at, envelope, body)
      select gen_random_uuid(), 'crowd', 'generic', 'unverified', 2, now(), 'processed', now(),
        '{"method":"POST","url":"http://localhost/webhook/crowd","headers":[],"client_ip":null}',
        '{}' from generate_series(1, ${count})`,
  );
}

async function countOf(otto: Otto, where: string): Promise<number> {
  const [{ count }] = await otto.services.database.query(
    "count",
    (sql) => sql<{ count: number }[]>`select count(*)::int as count from ${sql.unsafe(where)}`,
  );
  return count;
}

describe("acting on more than a thousand", () => {
  const filter = { webhook_type: "crowd" };

  it("is accepted with a place to look, worked, and has a result", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_201);
    const kept = await otto.send("demo", "{}", JSON_TYPE);
    const answer = await otto.ask("/api/messages/delete", {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify({ filter, expect: 1_201 }),
    });
    const made = await json(answer, 202);
    assertEquals(answer.headers.get("location"), `/api/bulk/${made.id}`);
    assertEquals([made.action, made.state, made.total, made.left], [
      "delete",
      "working",
      1_201,
      1_201,
    ]);
    assertEquals(made.parts, [{ source: "generic", webhook_type: "crowd", count: 1_201 }]);
    // What comes now was not meant.
    await otto.send("crowd", "{}", JSON_TYPE);
    await drain(otto.services, { maxMs: 60_000 });
    const { state, done, failed, left, finished_at } = await read(otto, made.id);
    assertEquals([state, done, failed, left], ["done", 1_201, 0, 0]);
    assert(finished_at);
    const { items } = await otto.get("/api/messages");
    assertEquals(items.map((each: { webhook_type: string }) => each.webhook_type), [
      "crowd",
      "demo",
    ]);
    assertEquals(items[1].message_id, kept);
    assertEquals((await otto.get("/api/bulk")).items.length, 1);
    assertEquals(await countOf(otto, "bulk_rows"), 0);
  });

  it("does nothing when another number matches, and says that one", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_005);
    for (const expect of [3, 1_004]) {
      const { error } = await otto.post("/api/messages/delete", { filter, expect }, 409);
      assertEquals(error.code, "count_changed");
      assertMatch(error.message, /1005 do now/);
    }
    await drain(otto.services, { maxMs: 10_000 });
    assertEquals(await countOf(otto, "messages"), 1_005);
  });

  it("makes each replay once, although a worker died behind a batch", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_050);
    const { id } = await otto.post("/api/messages/replay", { filter, expect: 1_050 }, 202);
    const { database } = otto.services;
    const worker = createWorker(otto.services);
    assertEquals(await worker.workBulk(GO_ON), 100);
    // As if it had died between what it did and the note of it.
    await database.query("forget", (sql) =>
      sql`
        with before as (
          update bulk_actions set done = 0, worked_to = null, lease_until = null returning id)
        insert into bulk_rows (bulk_id, row_id, begun, made)
        select before.id, replay_of, true, m.id from before, messages m
        where replay_of is not null`);
    await drain(otto.services, { maxMs: 120_000 });
    const { state, done, failed } = await read(otto, id);
    assertEquals([state, done, failed], ["done", 1_050, 0]);
    assertEquals(await countOf(otto, "messages where replay_of is not null"), 1_050);
    assertEquals(
      await countOf(
        otto,
        "(select distinct replay_of from messages where replay_of is not null) r",
      ),
      1_050,
    );
  });

  it("lets what is live go first", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_001);
    await otto.post("/api/messages/replay", { filter, expect: 1_001 }, 202);
    const worker = createWorker(otto.services);
    assertEquals(await worker.workBulk(GO_ON), 100);
    // Its own hundred are queued now.
    assertEquals(await worker.workBulk(GO_ON), 0);
    await otto.services.database.query(
      "work",
      (sql) => sql`update messages set state = 'filtered', settled_at = now() where state = 'new'`,
    );
    assertEquals(await worker.workBulk(GO_ON), 100);
  });

  const letLeaseEnd = async (otto: Otto) =>
    void await otto.services.database.query(
      "let the lease run out",
      (sql) => sql`update bulk_actions set lease_until = null where finished_at is null`,
    );

  it("gives up the one that cannot be done, with its reason, and does all others", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_001);
    const { database } = otto.services;
    await database.query("mark one", (sql) =>
      sql`
        update messages set verification = 'verified'
        where id = (select id from messages order by id offset 2 limit 1)`);
    await database.query("have it refuse", (sql) =>
      sql`
        create function refuse() returns trigger language plpgsql as
          $$ begin raise exception 'the disk is odd'; end $$`);
    await database.query("have it refuse", (sql) =>
      sql`
        create trigger refuse before delete on messages for each row
          when (old.verification = 'verified') execute function refuse()`);
    const { id } = await otto.post("/api/messages/delete", { filter, expect: 1_001 }, 202);
    const worker = createWorker(otto.services);
    let thrown = 0;
    while ((await read(otto, id)).left > 0 && thrown < 20) {
      await worker.workBulk(GO_ON).catch(() => thrown++);
      await letLeaseEnd(otto);
    }
    assertEquals(thrown, 8);
    const { done, failed, errors } = await read(otto, id);
    assertEquals([done, failed, errors.length], [1_000, 1, 1]);
    assertEquals(errors[0].code, "never_done");
    assertMatch(errors[0].message, /9 times: .*the disk is odd/);
  });

  it("gives up the one whose workers die", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_001);
    const { id } = await otto.post("/api/messages/delete", { filter, expect: 1_001 }, 202);
    await otto.services.database.query(
      "have died",
      (sql) => sql`update bulk_actions set tries = 9`,
    );
    const worker = createWorker(otto.services);
    assertEquals(await worker.workBulk(GO_ON), 1);
    assertMatch((await read(otto, id)).errors[0].message, /did not come back/);
    assert(await worker.workBulk(GO_ON) > 1, "the others are in large batches again");
  });

  it("replays what is large in small parts, and no more of it once it is to stop", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_001);
    const { database } = otto.services;
    await database.query("say they are large", (sql) => sql`update messages set size = 3000000`);
    await database.query("have much at once refused", (sql) =>
      sql`
        create function refuse_much() returns trigger language plpgsql as $$ begin
          if (select sum(size) from made) > 8000000 then raise exception 'too much at once'; end if;
          return null;
        end $$`);
    await database.query("have much at once refused", (sql) =>
      sql`
        create trigger refuse_much after insert on messages referencing new table as made
          for each statement execute function refuse_much()`);
    const { id } = await otto.post("/api/messages/replay", { filter, expect: 1_001 }, 202);
    const worker = createWorker(otto.services);
    assertEquals(await worker.workBulk(AbortSignal.abort()), 2);
    assert(await worker.workBulk(GO_ON) > 2);
    assertEquals((await read(otto, id)).errors, []);
  });

  it("ends where a person cancels it, and says what was done", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_300);
    const { id } = await otto.post("/api/messages/delete", { filter, expect: 1_300 }, 202);
    const worker = createWorker(otto.services);
    const did = await worker.workBulk(GO_ON);
    const cancelled = await otto.post(`/api/bulk/${id}/cancel`, {});
    assertEquals([cancelled.state, cancelled.done, cancelled.left], [
      "cancelled",
      did,
      1_300 - did,
    ]);
    assertEquals(await worker.workBulk(GO_ON), 0);
    assertEquals(await countOf(otto, "messages"), 1_300 - did);
    const { error } = await otto.post(`/api/bulk/${id}/cancel`, {}, 409);
    assertMatch(error.message, new RegExp(`${did} of 1300 were done`));
    await worker.tidy();
    assertEquals(await countOf(otto, "bulk_rows"), 0);
    assertEquals((await otto.ask(`/api/bulk/${crypto.randomUUID()}`)).status, 404);
  });

  it("names the reasons of what was left as it is", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_001);
    const { id } = await otto.post("/api/messages/release", { filter, expect: 1_001 }, 202);
    await drain(otto.services, { maxMs: 60_000 });
    const { done, failed, errors } = await read(otto, id);
    assertEquals([done, failed, errors.length], [0, 1_001, 1]);
    assertEquals([errors[0].code, errors[0].count, errors[0].ids.length], [
      "not_rejected",
      1_001,
      5,
    ]);
  });

  it("retries and cancels tasks, and marks notifications as read", async () => {
    await using otto = await openOtto();
    const first = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const { database } = otto.services;
    await database.query("make a crowd of tasks", (sql) =>
      sql`
        with made as (
          insert into messages (id, webhook_type, source, verification, size, received_at, state)
          select gen_random_uuid(), 'demo', 'generic', 'unverified', 2, now(), 'processed'
          from generate_series(1, 1001) returning id
        ), tasks as (
          insert into tasks (id, message_id, source, title, description, status, open, error_code,
            assigned_to, finished_at)
          select gen_random_uuid(), made.id, 'generic', 't', 'd', 'failed', false, 'agent_failed',
            t.assigned_to, now()
          from made, tasks t where t.message_id = ${first} returning id, message_id
        )
        update messages m set task_id = tasks.id from tasks where m.id = tasks.message_id`);
    await database.query(
      "link",
      (sql) => sql`update messages m set task_id = t.id from tasks t where t.message_id = m.id`,
    );
    await database.query("make a crowd of news", (sql) =>
      sql`
        insert into notifications (id, task_id, message_id, channel, destination, kind, text, state, cause)
        select gen_random_uuid(), n.task_id, n.message_id, 'web', '', n.kind, 'x', 'sent', gen_random_uuid()
        from notifications n, generate_series(1, 1001) where n.channel = 'web'`);
    const failed = { phase: "failed" };
    const retried = await otto.post("/api/tasks/retry", { filter: failed, expect: 1_001 }, 202);
    const unread = { unread: true };
    const news = await otto.post(
      "/api/notifications/read",
      { filter: unread, expect: 1_002 },
      202,
    );
    const worker = createWorker(otto.services);
    while ((await read(otto, news.id)).left > 0) await worker.workBulk(GO_ON);
    assertEquals((await otto.get("/api/notifications?unread=true")).items, []);
    assertEquals((await read(otto, retried.id)).done, 100, "what is queued goes first");
    await drain(otto.services, { maxMs: 60_000 });
    assertEquals((await read(otto, retried.id)).done, 1_001);
    assertEquals(await countOf(otto, "task_events where kind = 'retried'"), 1_001);
  });
});

describe("the pages of bulk actions", () => {
  const form = (fields: Record<string, string>) => ({
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      origin: "http://localhost:8000",
    },
    body: new URLSearchParams(fields),
  });
  const text = async (answer: Response | Promise<Response>) => await (await answer).text();

  it("count all that match, ask once more, and show how far it is", async () => {
    await using otto = await openOtto();
    await crowd(otto, 1_234);
    const asked = await text(otto.ask("/messages/many?webhook_type=crowd"));
    assertMatch(asked, /The newest 1,000 messages/);
    assertMatch(asked, /Replay all…/);
    const fields = { of: "messages", action: "delete", webhook_type: "crowd" };
    const { status, headers } = await otto.ask("/bulk", form(fields));
    const place = headers.get("location")!;
    assertEquals(status, 303);
    const question = await text(otto.ask(place));
    assertMatch(question, /Delete 1,234 messages\?/);
    assertMatch(question, /1,234 of crowd/);
    assertMatch(question, /webhook_type: crowd/);
    // Nothing begins before a person has said yes.
    await drain(otto.services, { maxMs: 10_000 });
    assertEquals(await countOf(otto, "messages"), 1_234);
    assertEquals((await otto.ask(`${place}/start`, form({}))).status, 303);
    assertMatch(await text(otto.ask(place)), /Cancel the rest/);
    await drain(otto.services, { maxMs: 60_000 });
    const result = await text(otto.ask(place));
    assertMatch(result, /Done\./);
    assert(!result.includes("Cancel the rest"));
    assertMatch(await text(otto.ask("/bulk")), /Delete 1,234 messages/);
    assertEquals(await countOf(otto, "messages"), 0);
  });

  it("leave all as it is for whoever says no, or asks for nothing", async () => {
    await using otto = await openOtto();
    await crowd(otto, 3);
    const fields = { of: "messages", action: "replay", webhook_type: "crowd" };
    const place = (await otto.ask("/bulk", form(fields))).headers.get("location")!;
    await otto.ask(`${place}/cancel`, form({}));
    assertEquals((await otto.ask(`${place}/start`, form({}))).status, 409);
    await drain(otto.services, { maxMs: 10_000 });
    assertEquals(await countOf(otto, "messages"), 3);
    for (
      const wrong of [
        { of: "messages", action: "delete" },
        { of: "tasks", action: "delete", source: "crowd" },
        { of: "messages", action: "explode", source: "crowd" },
      ]
    ) assertEquals((await otto.ask("/bulk", form(wrong as Record<string, string>))).status, 400);
    assertEquals((await otto.ask("/bulk/x")).status, 404);
  });

  it("act on tasks that were chosen in their list", async () => {
    await using otto = await openOtto();
    await otto.send("demo", '{"title":"<b>bold</b>"}', JSON_TYPE);
    await otto.workOff();
    await otto.services.database.query(
      "fail it",
      (sql) =>
        sql`update tasks set status = 'failed', error_code = 'agent_failed', error_message = 'no'`,
    );
    const list = await text(otto.ask("/tasks?phase=failed"));
    const [, link] = list.match(/href="(\/tasks\/many\?[^"]+)"/)!;
    assert(!list.includes("<b>bold"));
    const [, id] = list.match(/name="id" value="([^"]+)"/)!;
    assertMatch(await text(otto.ask(link.replaceAll("&amp;", "&"))), /Retry 1 failed/);
    assertMatch(await text(otto.ask(`/tasks/many?id=${id}`)), /1 failed/);
    assertMatch(await text(otto.ask("/tasks/many/retry", form({ ids: id }))), /1 started again/);
    assertMatch(await text(otto.ask("/tasks/many/cancel", form({ ids: id }))), /1 cancelled/);
    assertMatch(
      await text(otto.ask(`/tasks/many?id=${id}`)),
      /Retry 1 failed or cancelled/,
      "it was cancelled",
    );
    assertEquals((await otto.ask("/tasks/many")).status, 400);
  });

  it("cancel tasks that wait for an event, too, and a replay's are not forgotten", async () => {
    await using otto = await openOtto();
    const first = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const { message_id: made } = await otto.post(`/api/messages/${first}/replay`, {}, 201);
    await otto.workOff();
    const { database } = otto.services;
    const [{ id }] = await database.query("let it wait", (sql) =>
      sql<{ id: string }[]>`
        update tasks set status = 'waiting_event', finished_at = null
        where message_id = ${made} returning id`);
    const { working } = await countRedelivered(database, { from: made, to: made });
    assertEquals(working, 1);
    assertMatch(await text(otto.ask(`/tasks/many?id=${id}`)), /Cancel 1/);
    assertMatch(await text(otto.ask("/tasks/many/cancel", form({ ids: id }))), /1 cancelled/);
  });
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { currentCursor, readChanges } from "../../lib/live/change.ts";
import { ACCESS } from "../../handlers/access.ts";
import { newId } from "../../lib/store/id.ts";
import { json, JSON_TYPE, openOtto, type Otto } from "../otto.ts";

const NOBODY = "0198c0de-0000-7000-8000-000000000001";
/** Nested deeper than the parser's budget: the message fails. */
const TOO_DEEP = "[".repeat(600) + "]".repeat(600);

describe("the API", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openOtto();
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const patch = async (path: string, body: unknown, status?: number) =>
    await json(
      await otto.ask(path, { method: "PATCH", body: JSON.stringify(body), headers: JSON_TYPE }),
      status,
    );

  it("shows a message become a finished, told task", async () => {
    const id = await otto.send("demo", '{"title":"Hello"}', JSON_TYPE);
    assertEquals((await otto.get(`/api/messages/${id}`)).state, "new");
    await otto.workOff();
    const message = await otto.get(`/api/messages/${id}`);
    assertEquals([message.state, message.attempts, message.title], [
      "processed",
      1,
      "demo: Hello",
    ]);
    const task = await otto.get(`/api/tasks/${message.task_id}`);
    assertEquals(task.status, "completed");
    assertEquals(
      task.description,
      "Process demo webhook event with payload containing 1 fields.",
    );
    assertEquals(task.assigned_to.email, "webhook@otto.local");
    assertMatch(task.result.text, /Hello/);
    assertMatch(task.result.text, /No model is configured/);
    assertEquals(task.events.map((event: { kind: string }) => event.kind), [
      "created",
      "started",
      "completed",
    ]);
    assertEquals(
      task.notifications.map((n: Record<string, unknown>) => [n.channel, n.kind, n.state]),
      [["web", "completed", "sent"]],
    );
  });

  it("lists newest first, page by page, by filter", async () => {
    const ids = [];
    for (let number = 0; number < 5; number++) {
      ids.push(await otto.send("paged", `{"title":"${number}"}`, JSON_TYPE));
    }
    const first = await otto.get("/api/messages?webhook_type=paged&limit=3");
    const rest = await otto.get(`/api/messages?webhook_type=paged&limit=3&cursor=${first.next}`);
    const listed = [...first.items, ...rest.items].map((m) => m.message_id);
    assertEquals(listed, ids.reverse());
    assertEquals(rest.next, null);
    assertEquals((await otto.get("/api/messages?webhook_type=paged&state=failed")).items, []);
  });

  it("finds by what the pages find by, under the same names", async () => {
    const id = await otto.send("searched", '{"title":"A Needle","note":"In the HAY"}', JSON_TYPE);
    const before = new Date().toISOString();
    await otto.workOff();
    const again = await otto.post(`/api/messages/${id}/replay`, undefined, 201);
    await otto.workOff();
    const { task_id } = await otto.get(`/api/messages/${id}`);
    const found = async (query: string) =>
      (await otto.get(`/api/messages?source=searched&${query}`)).items
        .map((each: { message_id: string }) => each.message_id);
    const both = [again.message_id, id];
    for (
      const query of [
        "q=needle",
        "q=body:the hay",
        "body=the%20hay",
        "sig=unverified",
        "since=1h",
        "since=2020-01-01",
        "since=2020-01-01T00:00:00%2B02:00",
        "phase=done",
        "state=taken",
        "webhook_type=searched",
      ]
    ) {
      assertEquals(await found(query), both, query);
    }
    assertEquals(await found(`replay_of=${id}`), [again.message_id]);
    assertEquals(await found(`batch=${again.message_id}..${again.message_id}`), both.slice(0, 1));
    assertEquals(await found(`task_id=${task_id}`), [id]);
    assertEquals(await found("q=hay"), []);
    assertEquals(await found("sig=verified"), []);
    assertEquals(await found("phase=needs_you"), []);
    assertEquals(await found(`since=${before.replace(/^\d{4}/, "2999")}`), []);
    // The page understands the same.
    for (const query of ["body=the+hay", "q=body%3Athe+hay", `replay_of=${id}`, "phase=done"]) {
      const page = await (await otto.ask(`/messages?source=searched&${query}`)).text();
      assert(page.includes(`open=${again.message_id}`), query);
    }
    const tasks = async (query: string) =>
      (await otto.get(`/api/tasks?${query}`)).items.map((each: { id: string }) => each.id);
    for (const query of ["q=needle&status=completed", "since=1h&q=needle", `q=${task_id}`]) {
      assert((await tasks(query)).includes(task_id), query);
    }
    assertEquals(await tasks("q=needle&status=open"), []);
    const { items, next, stopped } = await otto.get("/api/messages?q=needle");
    assertEquals([items[0].phase, next, stopped], ["done", null, null]);
  });

  it("says how far it looked, with where to look further", async () => {
    await otto.services.database.query("fill", (sql) =>
      sql`
      insert into messages (id, webhook_type, source, verification, envelope, size, received_at,
        state)
      select ('01800000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'crowd', 'zendesk',
        'unverified', '{"url":"","client_ip":"","delivery_id":null,"headers":[]}', 0, now(),
        'processed' from generate_series(1, 10100) n`);
    const first = await otto.get("/api/messages?source=zendesk&sig=verified");
    assertEquals(first, {
      items: [],
      next: "01800000-0000-7000-8000-000000000065",
      // The time in those ids.
      stopped: { looked: 10_000, to: new Date(0x0180_0000_0000).toISOString() },
    });
    const rest = await otto.get(`/api/messages?source=zendesk&sig=verified&cursor=${first.next}`);
    assertEquals(rest, { items: [], next: null, stopped: null });
    const page = await (await otto.ask("/messages?source=zendesk&sig=verified")).text();
    assertMatch(page, /Looked through 10,000 messages/);
    assertMatch(page, /before=01800000-0000-7000-8000-000000000065">Look further back/);
    const replay = await (await otto.ask("/messages/replay?source=zendesk")).text();
    assertMatch(replay, /Replay 10,000 messages\?[\s\S]*These are the newest 10,000/);
    await otto.services.database.query(
      "forget them",
      (sql) => sql`delete from messages where webhook_type = 'crowd'`,
    );
  });

  it("shows a message's newest replays on its page, and where all of them are", async () => {
    const id = await otto.send("again", "{}", JSON_TYPE);
    await otto.workOff();
    const replays = await otto.post("/api/messages/replay", { ids: [id] }, 201);
    const page = async () => await (await otto.ask(`/messages/${id}`)).text();
    assertMatch(await page(), new RegExp(`/messages/${replays.items[0].message_id}`));
    assert(!(await page()).includes("All of them"));
    for (let more = 0; more < 20; more++) {
      await otto.post("/api/messages/replay", { ids: [id] }, 201);
    }
    assertMatch(await page(), new RegExp(`/messages\\?replay_of=${id}">All of them`));
    assertEquals((await otto.get(`/api/messages?replay_of=${id}`)).items.length, 21);
    await otto.workOff();
  });

  it("refuses query parameters that a path has not, and names those that it has", async () => {
    for (
      const [path, unknown, hint] of [
        ["/api/messages?stat=failed", '"stat"', /\bstate\b.*\bcursor\b/],
        ["/api/tasks?state=open", '"state"', /\bstatus\b/],
        ["/api/notifications?limit=1&Limit=2", '"Limit"', /\bunread\b/],
        ["/api/users?q=ann", '"q"', /\blimit\b/],
        ["/api/sources?name=github", '"name"', /takes none/],
        [`/api/messages/${NOBODY}?full=1`, '"full"', /takes none/],
        ["/api/stream?after=1", '"after"', /takes none/],
      ] as const
    ) {
      const { error } = await otto.get(path, 400);
      assertEquals(error.code, "unknown_parameter", path);
      assert(error.message.includes(unknown), error.message);
      assertMatch(error.hint, hint);
    }
    const { error } = await otto.post(`/api/messages/${NOBODY}/replay?dry=1`, undefined, 400);
    assertEquals(error.code, "unknown_parameter");
    // Every route of the API, whatever may be added.
    for (const [method, path] of ACCESS.filter(([, path]) => path.startsWith("/api/"))) {
      // An agent's own routes ask for its task's token first.
      if (/^\/api\/tasks\/:id\/(claim|events|messages|result)$/.test(path)) continue;
      const answer = await otto.ask(
        `${path.replace(":id", NOBODY).replace(":name", "github")}?no-such=1`,
        { method },
      );
      assertEquals((await json(answer, 400)).error.code, "unknown_parameter", `${method} ${path}`);
    }
  });

  it("refuses what it cannot understand, saying what is right", async () => {
    for (
      const path of [
        "/api/messages?limit=0",
        "/api/messages?limit=1e9",
        "/api/messages?state=odd",
        "/api/messages?phase=odd",
        "/api/messages?since=yesterday",
        "/api/messages?since=2020-01-01T25:00:00",
        "/api/messages?batch=1..2",
        "/api/tasks?assigned_to=ann",
        "/api/messages?cursor='; drop table messages",
        "/api/messages/1",
        "/api/tasks/%00",
      ]
    ) {
      const { error } = await otto.get(path, 400);
      assertEquals(error.code, "bad_request", path);
      assert(error.message && error.hint);
    }
    await json(
      await otto.ask("/api/users", { method: "POST", body: "{", headers: JSON_TYPE }),
      400,
    );
    await otto.post("/api/users", { email: "no", name: "x" }, 400);
    await otto.post("/api/users", { email: "a@b.de", name: "A", kind: "system" }, 400);
    for (const thing of ["messages", "tasks", "users", "notifications"]) {
      assertMatch((await otto.get(`/api/${thing}/${NOBODY}`, 404)).error.code, /_not_found$/);
    }
    assertEquals((await otto.get("/nowhere", 404)).error.code, "no_such_page");
  });

  it("refuses values that the store would not take, and methods that a path has not", async () => {
    for (const path of ["/api/messages?webhook_type=%00", "/api/tasks?source=%00"]) {
      assertEquals((await otto.get(path, 400)).error.code, "value_refused");
    }
    const answer = await otto.ask("/api/messages", { method: "PUT", body: "{}" });
    assertEquals((await json(answer, 405)).error.code, "method_not_allowed");
    assertEquals(answer.headers.get("allow"), "GET");
    const trace = new Request("http://localhost:8000/api/messages");
    Object.defineProperty(trace, "method", { value: "TRACE" });
    trace.headers.set("host", "localhost:8000");
    assertEquals((await otto.app.fetch(trace, { address: () => "127.0.0.1" })).status, 405);
  });

  it("names each operation, for programs that are made from its description", async () => {
    const document = await otto.get("/openapi.json");
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, { operationId?: string; responses: object }>)
        .map(([method, operation]) => ({ at: `${method} ${path}`, ...operation }))
    );
    const ids = operations.map(({ operationId }) => operationId);
    for (const { at, operationId, responses } of operations) {
      assertMatch(operationId ?? "none", /^[a-z][A-Za-z]+$/, at);
      assertEquals(ids.filter((id) => id === operationId).length, 1, at);
      assert(Object.keys(responses).some((code) => code.startsWith("2")), at);
    }
    for (const id of ["listMessages", "releaseMessages", "retryTasks", "receiveWebhook"]) {
      assert(ids.includes(id), id);
    }
    assertEquals(document.servers[0].url, "/");
  });

  it("describes null where it answers null", async () => {
    const document = await otto.get("/openapi.json");
    const { read_at } = document.components.schemas.Notification.properties;
    assertEquals(read_at, { type: ["string", "null"], format: "date-time" });
    const { received_at } = document.components.schemas.Message.properties;
    assertEquals(received_at.type, "string");
  });

  it("shows a large message without parsing all of it", async () => {
    const large = await otto.send(
      "github",
      JSON.stringify({ a: "x".repeat(1_100_000) }),
      JSON_TYPE,
    );
    const message = await otto.get(`/api/messages/${large}`);
    assertEquals(message.payload, null);
    assertMatch(message.payload_left_out, new RegExp(`/api/messages/${large}/body`));
  });

  it("adds people, each e-mail once, and gives them tasks", async () => {
    const ann = await otto.post("/api/users", { email: "Ann@example.com", name: "Ann" }, 201);
    assertEquals([ann.email, ann.kind, ann.slack_id], ["ann@example.com", "person", null]);
    await otto.post("/api/users", { email: "ann@example.com", name: "Again" }, 409);
    const id = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const { task_id } = await otto.get(`/api/messages/${id}`);
    const task = await patch(`/api/tasks/${task_id}`, { assigned_to: ann.id });
    assertEquals(task.assigned_to, { id: ann.id, email: "ann@example.com", name: "Ann" });
    assertEquals((await otto.get(`/api/tasks?assigned_to=${ann.id}`)).items.length, 1);
    await patch(`/api/tasks/${task_id}`, { assigned_to: NOBODY }, 400);
    const change = { slack_id: "U0ANN" };
    const known = await patch(`/api/users/${ann.id}`, change);
    assertEquals([known.slack_id, known.name], ["U0ANN", "Ann"]);
    assertEquals(
      (await patch(`/api/users/${ann.id}`, { name: "A" })).slack_id,
      "U0ANN",
    );
    await patch(`/api/users/${ann.id}`, { slack_id: null, name: "Ann" });
    await patch(`/api/users/${ann.id}`, { slack_id: "ann" }, 400);
    await patch(`/api/users/${NOBODY}`, change, 404);
    await patch(`/api/tasks/${NOBODY}`, { assigned_to: ann.id }, 404);
    assertEquals((await otto.get(`/api/tasks/${task_id}`)).events.at(-1).kind, "reassigned");
  });

  it("keeps a message that fails, with the reason, and tells of it", async () => {
    const id = await otto.send("deep", TOO_DEEP, JSON_TYPE);
    await otto.workOff();
    const message = await otto.get(`/api/messages/${id}`);
    assertEquals(message.state, "failed");
    assertMatch(message.error, /512/);
    assertEquals(message.payload, { raw_body: TOO_DEEP });
    const { recent_failed } = await otto.get("/webhook/stats");
    assertEquals(recent_failed[0].message_id, id);
    assertEquals(recent_failed[0].attempts, 1);
    const { items } = await otto.get("/api/notifications?unread=true");
    const told = items.find((n: { message_id: string }) => n.message_id === id);
    assertEquals([told.kind, told.channel, told.state], ["message_failed", "web", "sent"]);
    const read = await otto.post(`/api/notifications/${told.id}/read`);
    assert(read.read_at);
    const unread = (await otto.get("/api/notifications?unread=true")).items;
    assert(!unread.some((n: { id: string }) => n.id === told.id));
  });

  it("replays a message, one or many, with its bytes, saying what it replays", async () => {
    const id = await otto.send("demo", '{"title":"Once"}', {
      ...JSON_TYPE,
      "x-kept": "yes",
    });
    await otto.workOff();
    const made = await otto.post(`/api/messages/${id}/replay`, undefined, 201);
    assertEquals(made.replay_of, id);
    await otto.workOff();
    const again = await otto.get(`/api/messages/${made.message_id}`);
    const first = await otto.get(`/api/messages/${id}`);
    assertEquals([again.state, again.replay_of, again.headers["x-kept"]], ["processed", id, "yes"]);
    assertEquals([again.payload, again.received_at], [first.payload, first.received_at]);
    assert(again.task_id !== first.task_id);
    const { items } = await otto.post("/api/messages/replay", { ids: [id, NOBODY] }, 201);
    assertEquals(items.length, 1);
    await otto.post(`/api/messages/${NOBODY}/replay`, undefined, 404);
    await otto.workOff();
  });

  it("a repeat of a failed message works it again", async () => {
    const headers = { ...JSON_TYPE, "x-github-delivery": "fails-once" };
    const id = await otto.send("github", TOO_DEEP, headers);
    await otto.workOff();
    assertEquals((await otto.get(`/api/messages/${id}`)).state, "failed");
    assertEquals(await otto.send("github", TOO_DEEP, headers), id);
    assertEquals((await otto.get(`/api/messages/${id}`)).state, "new");
    await otto.workOff();
  });

  it("cancels what has not ended, and starts it again", async () => {
    const id = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const { task_id } = await otto.get(`/api/messages/${id}`);
    assertEquals(
      (await otto.post(`/api/tasks/${task_id}/cancel`, undefined, 409)).error.code,
      "wrong_status",
    );
    await otto.post(`/api/tasks/${task_id}/retry`, undefined, 409);
    await otto.services.database.query(
      "let it fail",
      (sql) =>
        sql`update tasks set status = 'failed', error_code = 'x', error_message = 'y'
        where id = ${task_id}`,
    );
    assertEquals((await otto.post(`/api/tasks/${task_id}/retry`)).status, "pending");
    assertEquals((await otto.post(`/api/tasks/${task_id}/cancel`)).status, "cancelled");
    await otto.post(`/api/tasks/${task_id}/retry`);
    await otto.workOff();
    const task = await otto.get(`/api/tasks/${task_id}`);
    assertEquals(task.status, "completed");
    assertEquals(task.notifications.length, 2);
  });

  it("removes a message with all that hangs on it", async () => {
    const id = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const { task_id } = await otto.get(`/api/messages/${id}`);
    const { database } = otto.services;
    const cursor = await currentCursor(database);
    const answer = await otto.ask(`/api/messages/${id}`, { method: "DELETE" });
    assertEquals(answer.status, 204);
    const told = await readChanges(database, cursor, 10);
    assertEquals(told.map(({ kind }) => kind).toSorted(), ["message", "notification", "task"]);
    await otto.get(`/api/messages/${id}`, 404);
    await otto.get(`/api/tasks/${task_id}`, 404);
    assertEquals((await otto.ask(`/api/messages/${id}`, { method: "DELETE" })).status, 404);
  });

  it("knows a message by the id of a copy that came by the spill, too", async () => {
    const id = await otto.send("demo", "{}", JSON_TYPE);
    const alias = newId();
    await otto.services.database.query(
      "keep an alias",
      (sql) => sql`insert into message_aliases (alias, message_id) values (${alias}, ${id})`,
    );
    assertEquals((await otto.get(`/api/messages/${alias}`)).message_id, id);
    const { items } = await otto.post("/api/messages/replay", { ids: [alias] }, 201);
    assertEquals(items.map((item: { replay_of: string }) => item.replay_of), [id]);
    const answer = await otto.ask(`/api/messages/${alias}`, { method: "DELETE" });
    assertEquals(answer.status, 204);
    await otto.get(`/api/messages/${id}`, 404);
  });

  it("says how it is: health, statistics, workers, metrics", async () => {
    assertEquals((await otto.get("/health")).status, "ok");
    const health = await otto.get("/webhook/health");
    assertEquals(health.status, "healthy");
    assertMatch(JSON.stringify(health), /power/);
    const stats = await otto.get("/webhook/stats");
    assert(stats.messages.total > 0 && stats.stages.queue.p50_ms >= 0);
    // No worker lives here, but a drain has just worked everything off.
    const { running, workers } = await otto.get("/webhook/status");
    assertEquals([running, workers.map(({ id }: { id: string }) => id)], [true, ["drain"]]);
    const metrics = await (await otto.ask("/metrics")).text();
    assertMatch(metrics, /^otto_webhooks_total\{source="generic",outcome="received"\} \d+$/m);
    assertMatch(metrics, /^otto_stage_milliseconds\{stage="queue",quantile="0.99"\}/m);
    // A sender must not be able to make new time series.
    assert(!/source="(demo|paged)"/.test(metrics));
  });

  it("describes itself", async () => {
    const document = await otto.get("/openapi.json");
    assertEquals(document.openapi, "3.1.0");
    for (
      const path of ["/api/tasks/{id}", "/webhook/stats", "/webhook/health", "/webhook/{type}"]
    ) {
      assert(document.paths[path], path);
    }
    const page = await (await otto.ask("/docs")).text();
    assertMatch(page, /PATCH \/api\/tasks\/\{id\}/);
  });
});

describe("retention", () => {
  it("forgets messages that are older than asked, and what hangs on them, but no live ones", async () => {
    await using otto = await openOtto({ RETENTION_DAYS: "30" });
    const { createWorker } = await import("../../lib/work/work.ts");
    const old = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const waiting = await otto.send("demo", "{}", JSON_TYPE);
    const oldId = "01900000-0000-7000-8000-000000000001";
    const liveId = "01900000-0000-7000-8000-000000000002";
    const { database } = otto.services;
    await database.query(
      "age it",
      (sql) => sql`update messages set task_id = null where id = ${old}`,
    );
    await database.query("age it", (sql) => sql`delete from tasks where message_id = ${old}`);
    await database.query(
      "age it",
      (sql) => sql`update messages set id = ${oldId} where id = ${old}`,
    );
    await database.query(
      "age it",
      (sql) => sql`update messages set id = ${liveId} where id = ${waiting}`,
    );
    await database.query(
      "age it",
      (sql) => sql`update messages set stored_at = stored_at - interval '100 days'`,
    );
    const fresh = await otto.send("demo", "{}", JSON_TYPE);
    await createWorker(otto.services).tidy();
    const { items } = await otto.get("/api/messages");
    assertEquals(items.map((m: { message_id: string }) => m.message_id), [fresh, liveId]);
  });
});

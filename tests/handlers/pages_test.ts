import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import { pages } from "../../handlers/pages/pages.ts";
import { Problem } from "../../handlers/problem.ts";
import { createOfferedSecrets } from "../../handlers/webhook/offered_secrets.ts";
import { createRedeliverer } from "../../lib/work/verify/redeliver.ts";
import { listSampled, makeSample } from "../../handlers/webhook/sample.ts";
import { createVerifier } from "../../lib/work/verify/verifier.ts";
import { openPauses } from "../../lib/ingress/pauses.ts";
import { openSourceInfos } from "../../lib/monitor/sources.ts";
import { asset, staticFiles } from "../../handlers/static.ts";
import { phaseWord } from "../../handlers/views/parts/phase.ts";
import { stagesOf } from "../../handlers/views/parts/stages.ts";
import { PHASES } from "../../lib/message/search/phase.ts";
import { ago, took } from "../../handlers/views/parts/time.ts";
import { readConfig } from "../../lib/config/config.ts";
import { DeadlineError } from "../../lib/async/deadline.ts";
import { newId } from "../../lib/store/id.ts";
import { openLive } from "../../lib/live/live.ts";
import { createLog } from "../../lib/process/log.ts";
import type { Message } from "../../lib/message/message.ts";
import { searchMessages } from "../../lib/message/search/search.ts";
import { deleteMessage } from "../../lib/message/delete.ts";
import { searchNotifications } from "../../lib/notify/search.ts";
import { openServices, type Services } from "../../lib/services.ts";
import { readStats } from "../../lib/monitor/stats/read_stats.ts";
import type { Task } from "../../lib/task/task.ts";
import { ensureWebhookUser } from "../../lib/people/user.ts";
import { createWorker, type Worker } from "../../lib/work/work.ts";
import { sources } from "../../sources/mod.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import { type EventStream, openEvents, type StreamEvent } from "../servers/sse.ts";

const SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5";

/** Otto with its pages, all in this process, working only when told to. */
interface House {
  services: Services;
  worker: Worker;
  app: ReturnType<typeof pages>;
  /** The requests that the sample button made. */
  received: Request[];
  stop: AbortController;
  send(payload: unknown, type?: string): Promise<string>;
  work(): Promise<void>;
  page(): Promise<string>;
}

function openStore(): Promise<Services> {
  const config = readConfig({ OTTO_DATA_DIR: ":memory:" });
  return openServices(config, createLog("silent"), new AbortController().signal);
}

/** A house on an emptied store: opening one takes longer than all that is done in it. */
async function build(store: Services, env: Record<string, string> = {}): Promise<House> {
  await store.database.query(
    "start anew",
    (sql) =>
      sql.unsafe(
        "truncate messages, message_aliases, tasks, task_events, notifications, workers, activity cascade",
      ),
  );
  const services = { ...store, config: readConfig({ OTTO_DATA_DIR: ":memory:", ...env }) };
  const stop = new AbortController();
  const received: Request[] = [];
  const app = pages({
    services,
    live: openLive(services),
    readStats: () => readStats(services),
    ...partsOf(services, stop.signal),
    async receive(request) {
      received.push(request.clone());
      await request.text();
      if (!request.url.endsWith("/stripe")) return Response.json({ status: "received" });
      const error = { code: "unverified", message: "Not here", hint: "Sign it" };
      return Response.json({ error }, { status: 401 });
    },
  });
  const worker = createWorker(services);
  return {
    services,
    worker,
    app,
    received,
    stop,
    async send(payload, type = "demo") {
      const body = new TextEncoder().encode(
        typeof payload === "string" ? payload : JSON.stringify(payload),
      );
      const { messageId } = await services.inbox.accept({
        id: newId(),
        webhookType: type,
        source: Object.hasOwn(sources, type) ? type : "generic",
        verification: "unverified",
        envelope: { url: "", client_ip: "", delivery_id: null, headers: [] },
        body,
        receivedAt: new Date(),
      });
      return messageId;
    },
    async work() {
      await worker.takeMessages(0, stop.signal);
      await worker.runTasks(stop.signal);
      await worker.idle();
    },
    page: async () => await (await app.request("http://otto.test/")).text(),
  };
}

/** The page's stream over a real socket, read until something is in it. */
async function openPageStream(
  house: House,
  { path = "/live", headers = {} }: { path?: string; headers?: Record<string, string> } = {},
) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, house.app.fetch);
  const url = `http://127.0.0.1:${server.addr.port}${path}`;
  const events: EventStream = await openEvents(url, { headers });
  let text = "";
  return {
    get text() {
      return text;
    },
    /** Reads on until the HTML told so far has this in it; the last event read. */
    async until(part: string): Promise<StreamEvent> {
      let event: StreamEvent = { event: "", data: "" };
      while (!text.includes(part)) {
        event = await events.next();
        text += event.data;
      }
      return event;
    },
    next: () => events.next(),
    async [Symbol.asyncDispose]() {
      await events[Symbol.asyncDispose]();
      await server.shutdown();
    },
  };
}

/** The row of a message in some HTML, up to the next one. */
function rowOf(html: string, id: string): string {
  const start = html.lastIndexOf(`<li id="m-${id}"`);
  assert(start >= 0, `no row of ${id}`);
  return html.slice(start, html.indexOf("</details>", start));
}

const registry = createRegistry();

/** What the pages share with the rest of the app. */
function partsOf(services: Services, stop: AbortSignal) {
  const verifier = createVerifier(services);
  const redeliverer = createRedeliverer({ services, verifier });
  const offeredSecrets = createOfferedSecrets(services.log);
  const pauses = openPauses({ ...services, stop });
  const sourceInfos = openSourceInfos({ ...services, pauses });
  return { redeliverer, verifier, offeredSecrets, pauses, sourceInfos, stop };
}

describe("the pages", () => {
  let store: Services;
  let house: House;
  beforeAll(async () => {
    store = await openStore();
  });
  afterAll(async () => await store[Symbol.asyncDispose]());

  describe("the first page", () => {
    beforeEach(async () => {
      house = await build(store);
    });
    afterEach(() => house.stop.abort());

    it("teaches how to send the first webhook, to the address it was called at", async () => {
      const html = await house.page();
      assertStringIncludes(html, "Send your first webhook");
      assertStringIncludes(html, "curl -X POST http://otto.test/webhook/demo");
      assertStringIncludes(html, 'action="/samples"');
      assertStringIncludes(html, 'name="source" value="github"');
    });

    it("shows PUBLIC_URL in the command, when it is set", async () => {
      const outside = await build(store, { PUBLIC_URL: "https://otto.example.com/" });
      const html = await outside.page();
      assertStringIncludes(html, "curl -X POST https://otto.example.com/webhook/demo");
    });

    it("shows a message on each of its stages", async () => {
      const id = await house.send({ title: "Backup finished", event: "backup.done" });
      let row = rowOf(await house.page(), id);
      assertStringIncludes(row, "queued");
      assertStringIncludes(row, "Queue: waiting for a worker");
      await house.worker.takeMessages(0, house.stop.signal);
      row = rowOf(await house.page(), id);
      assertStringIncludes(row, "demo: backup.done: Backup finished");
      assertStringIncludes(row, "backup.done");
      assertStringIncludes(row, "Agent: waiting for the agent");
      await house.work();
      row = rowOf(await house.page(), id);
      assertStringIncludes(row, 'class="row done"');
      assertStringIncludes(row, "Notified: told: web");
      assertStringIncludes(row, "What came of it");
    });

    it("shows what came of a message as its agent meant it, without marks", async () => {
      const id = await house.send({ title: "a_b [c] <d>", event: "backup.done" });
      await house.work();
      const row = rowOf(await house.page(), id);
      const result = row.slice(row.indexOf('class="digest"'));
      assertStringIncludes(result, "<h3>demo: backup.done: a_b [c] &lt;d&gt;</h3>");
      assertStringIncludes(result, "<li><strong>Source:</strong> demo (backup.done)</li>");
      assert(!/##|\*\*|\\/.test(result), result);
    });

    it("shows whatever a sender wrote as text", async () => {
      const hostile = `</pre></title><script>alert(1)</script><img src=x onerror="alert(2)">'"`;
      const id = await house.send({
        title: hostile,
        event: hostile,
        text: hostile,
        [hostile]: hostile,
        url: "javascript:alert(3)",
      });
      await house.work();
      const html = await house.page();
      assert(!html.includes("<script>"), "a script got in");
      assert(!html.includes("<img src=x"), "an image got in");
      assert(!/href="javascript:/i.test(html), "a script got into a link");
      assertStringIncludes(rowOf(html, id), "&lt;script&gt;alert(1)&lt;/script&gt;");
    });

    it("links to an event only over https, without telling where from, with the host shown", async () => {
      const secure = await house.send({ title: "a", url: "https://ci.example.com/1?a=1&b=2" });
      const plain = await house.send({ title: "b", url: "http://ci.example.com/1" });
      await house.work();
      const html = await house.page();
      assertMatch(
        rowOf(html, secure),
        /<a href="https:\/\/ci\.example\.com\/1\?a=1&amp;b=2" rel="noreferrer noopener"[^>]*>ci\.example\.com</,
      );
      const [line] = rowOf(html, plain).split("<details");
      assert(!line.includes('http://ci.example.com/1"'), "an http link");
    });

    it("tells why a message failed, in its row, its lane and among what needs somebody", async () => {
      const id = await house.send("[".repeat(5_000));
      await house.work();
      const html = await house.page();
      assertStringIncludes(rowOf(html, id), "nests deeper than");
      assertStringIncludes(rowOf(html, id), "Task: could not be read");
      assertMatch(html, /Needs you[^]*demo:\s+1 failed/);
      assertMatch(await house.page(), /class="wrong"><a href="\/messages\?phase=failed">1 failed/);
    });

    it("goes by phases where a link still has a state or a status", async () => {
      const to = async (path: string) => (await house.app.request(path)).headers.get("location");
      assertEquals(
        await to("/messages?state=rejected&since=1h"),
        "/messages?phase=refused&since=1h",
      );
      assertEquals(await to("/tasks?status=running"), "/tasks?phase=working");
    });

    it("draws the last hour of each lane, with words for whoever does not see it", async () => {
      await house.send({ title: "x" });
      await house.work();
      const html = await house.page();
      for (const name of ["Receive", "Queue", "Task", "Agent", "Notified"]) {
        const label = `${name}, the last hour by the minute: at most 1`;
        assertMatch(html, new RegExp(`<svg class="pulse"[^>]*aria-label="${label}"`));
      }
    });

    it("says that no worker is running, until one is", async () => {
      assertStringIncludes(await house.page(), "No worker is running.");
      const worked = await build(store);
      await worked.worker.beat();
      assert(!(await worked.page()).includes("No worker is running."));
    });

    it("says that no model is configured", async () => {
      assertStringIncludes(await house.page(), "No model is configured");
    });

    it("loads nothing from elsewhere and has nothing inline", async () => {
      await house.send({ title: "x" });
      await house.work();
      const html = await house.page();
      assert(!/ style="| on\w+="/.test(html), "something inline");
      for (const [, url] of html.matchAll(/(?:src|rel="stylesheet" href)="([^"]*)"/g)) {
        assertMatch(url, /^\/static\/[\w.]+\?v=[0-9a-f]{16}$/);
      }
    });

    it("answers with a page that says what is wrong when the store is away", async () => {
      const database = {
        ...store.database,
        query: () => Promise.reject(new DeadlineError("away")),
      };
      const response = await pages({
        services: { ...store, database },
        live: openLive({ ...store, database }),
        readStats: () => readStats({ ...store, database }),
        ...partsOf({ ...store, database }, house.stop.signal),
        receive: () => Promise.reject(),
      }).request("http://otto.test/");
      assertEquals(response.status, 503);
      assertEquals(response.headers.get("retry-after"), "2");
      assertStringIncludes(await response.text(), "The database does not answer");
    });
  });

  describe("notifications", () => {
    beforeEach(async () => {
      house = await build(store);
      for (const title of ["one", "two"]) await house.send({ title });
      await house.work();
    });
    afterEach(() => house.stop.abort());

    const unread = () =>
      searchNotifications(house.services.database, { unread: true }, 10).then(({ items }) => items);
    const post = (path: string) =>
      house.app.request(path, { method: "POST", body: new URLSearchParams() });

    it("of what went well are no news: they are in the lists", async () => {
      const html = await house.page();
      assertStringIncludes(html, "<title>Otto</title>");
      for (const { id } of await unread()) assert(!html.includes(id));
    });

    it("of Otto's own are counted in the title, and each has a button", async () => {
      const [{ id }] = await unread();
      await store.database.query(
        "make it a notice",
        (sql) => sql`update notifications set kind = 'slack_failed' where id = ${id}`,
      );
      const html = await house.page();
      assertStringIncludes(html, "<title>(1) Otto</title>");
      assertStringIncludes(html, `action="/notifications/${id}/read"`);
      await post(`/notifications/${id}/read`);
      assertStringIncludes(await house.page(), "<title>Otto</title>");
    });

    it("are marked as read one by one", async () => {
      const [newest, older] = await unread();
      const response = await post(`/notifications/${newest.id}/read`);
      assertEquals([response.status, response.headers.get("location")], [303, "/"]);
      assertEquals((await unread()).map(({ id }) => id), [older.id]);
      assert(!(await house.page()).includes(newest.id));
    });

    it("that do not exist are a page, not a failure", async () => {
      assertEquals((await post(`/notifications/${newId()}/read`)).status, 404);
      assertEquals((await post("/notifications/x'%00/read")).status, 404);
    });
  });

  describe("the page of people", () => {
    beforeEach(async () => {
      house = await build(store);
      await store.database.query("start anew", (sql) => sql`delete from users`);
    });
    afterEach(() => house.stop.abort());

    const get = async (path: string) => await (await house.app.request(path)).text();
    const post = (path: string, fields: Record<string, string>) =>
      house.app.request(path, { method: "POST", body: new URLSearchParams(fields) });

    it("teaches what people are for, and a task's page leads there", async () => {
      assertStringIncludes(await get("/users"), "Nobody here yet");
      await house.send({ title: "x" });
      await house.work();
      const [{ task_id }] =
        (await searchMessages(house.services.database, {}, { limit: 1, sources: [] })).items;
      assertStringIncludes(await get(`/tasks/${task_id}`), 'href="/users#add"');
      assertEquals((await post("/users", { name: "Ada", email: "Ada@example.com" })).status, 303);
      assertStringIncludes(await get(`/tasks/${task_id}`), ">Ada (ada@example.com)<");
    });

    it("counts each one's open tasks, and links to them", async () => {
      await house.send({ title: "x" });
      await house.worker.takeMessages(0, house.stop.signal);
      const [, id, count] = /status=open&amp;assigned_to=([^"]+)">(\d+)</.exec(
        await get("/users"),
      )!;
      assertEquals(count, "1");
      const list = await get(`/tasks?status=open&assigned_to=${id}`);
      assertEquals([...list.matchAll(/<tr id="row-/g)].length, 1);
      await house.work();
      assertMatch(await get("/users"), /status=open&amp;assigned_to=[^"]+">0</);
    });

    it("says at the field what is wrong with it, and keeps what was typed", async () => {
      await post("/users", { name: "Ada", email: "ada@example.com" });
      const taken = await post("/users", { name: '"><b>', email: "ada@example.com" });
      assertEquals(taken.status, 409);
      const html = await taken.text();
      assertMatch(html, /id="person-email-says" class="error" role="alert">Somebody has this/);
      assertStringIncludes(html, 'value="&quot;&gt;&lt;b&gt;"');
      const wrong = await post("/users", { name: " ", email: "x", slack_id: "ada" });
      assertEquals(wrong.status, 422);
      assertEquals([...(await wrong.text()).matchAll(/aria-invalid="true"/g)].length, 3);
    });

    it("changes a name and a Slack id, but never the system user", async () => {
      await post("/users", { name: "Ada", email: "ada@example.com", slack_id: "U0123ABCD" });
      const [, id] = /href="\/users\/([^"]+)"/.exec(await get("/users"))!;
      assertEquals((await post(`/users/${id}`, { name: "Ada L.", slack_id: "x" })).status, 422);
      assertEquals((await post(`/users/${id}`, { name: "Ada L.", slack_id: "" })).status, 303);
      const page = await get(`/users/${id}`);
      assertStringIncludes(page, 'value="Ada L."');
      assert(!page.includes("U0123ABCD<"));
      const system = await ensureWebhookUser(house.services.database);
      assert(!(await get(`/users/${system}`)).includes('<form method="post" action="/users'));
      assertEquals((await post(`/users/${system}`, { name: "Mallory" })).status, 409);
      assertEquals((await post(`/users/${newId()}`, { name: "x" })).status, 404);
    });
  });

  describe("the page's stream", () => {
    beforeEach(async () => {
      house = await build(store);
    });
    afterEach(() => house.stop.abort());

    it("tells of a message when it is stored, and again when it has been worked", async () => {
      await using stream = await openPageStream(house);
      const id = await house.send({ title: "hello" });
      await stream.until("queued");
      assertStringIncludes(rowOf(stream.text, id), 'data-into="messages"');
      await house.work();
      await stream.until("Notified: told: web");
      assertStringIncludes(rowOf(stream.text, id), "demo: hello");
    });

    it("goes on where a browser left off, by Last-Event-ID or by the page's cursor", async () => {
      const [, path] = /data-live="([^"]*)"/.exec(await house.page())!;
      const first = await house.send({ title: "first" });
      let cursor: string;
      {
        await using stream = await openPageStream(house, { path });
        cursor = (await stream.until(first)).id!;
      }
      const second = await house.send({ title: "second" });
      await using stream = await openPageStream(house, {
        path,
        headers: { "last-event-id": cursor },
      });
      await stream.until(second);
      assert(!stream.text.includes(first), "told again");
    });

    it("starts at now for a browser that names no place", async () => {
      const before = await house.send({ title: "before" });
      await using stream = await openPageStream(house);
      const after = await house.send({ title: "after" });
      await stream.until(after);
      assert(!stream.text.includes(before));
    });

    it("sends a page of another database back to the start", async () => {
      await using stream = await openPageStream(house, { path: "/live?after=99999999999-1" });
      assertEquals((await stream.next()).event, "reload");
    });

    it("keeps a sender's line ends inside its data", async () => {
      await using stream = await openPageStream(house);
      const id = await house.send({
        title: "x",
        text: "a\rid: 666\r\nevent: evil\n\ndata: <b>no</b>",
      });
      await house.work();
      const event = await stream.until("What came of it");
      assertEquals(event.event, "message");
      assertMatch(event.id ?? "", /^\d+-\d+$/);
      assertStringIncludes(rowOf(stream.text, id), "data: &lt;b&gt;no&lt;/b&gt;");
    });

    it("takes a message off the page when it is deleted", async () => {
      const id = await house.send({ title: "x" });
      await using stream = await openPageStream(house);
      await deleteMessage(house.services.database, id);
      await stream.until(`<li id="m-${id}" data-gone></li>`);
    });

    it("tells how many need somebody when that has changed", async () => {
      await using stream = await openPageStream(house);
      await house.send("[".repeat(5_000));
      await house.work();
      await stream.until('<a id="needs-count" class="inbox some"');
    });

    it("brings the counts up to date", async () => {
      await house.page();
      await using stream = await openPageStream(house);
      await house.send({ title: "x" });
      await stream.until("<strong>1</strong> this hour");
    });

    it("tells of a crowd of messages at most as many rows as the page shows", async () => {
      await using stream = await openPageStream(house);
      const ids = await Promise.all(
        Array.from({ length: 300 }, (_, i) => house.send({ title: i })),
      );
      await stream.until(ids.sort().at(-1)!);
      const batches = stream.text.match(/<ol class="stages"/g)!.length;
      assert(batches <= 200, `${batches} rows for 300 messages`);
    });

    it("ends when Otto stops, and takes no more", async () => {
      const { body } = await house.app.request("/live");
      const reader = body!.getReader();
      assertEquals(new TextDecoder().decode((await reader.read()).value), "retry: 2000\n\n");
      house.stop.abort();
      assertEquals((await reader.read()).done, true);
      assertEquals((await house.app.request("/live")).status, 503);
    });

    it("refuses the 201st, until one of the others has gone", async () => {
      const open = await Promise.all(Array.from({ length: 200 }, () => house.app.request("/live")));
      assertEquals((await house.app.request("/live")).status, 503);
      await open[7].body!.cancel();
      const again = await house.app.request("/live");
      assertEquals(again.status, 200);
      for (const { body } of [...open, again]) await body!.cancel();
    });
  });

  describe("a sample", () => {
    it("is sent through Otto's own gate by a plain form, each one a new delivery", async () => {
      house = await build(store);
      for (let i = 0; i < 2; i++) {
        const response = await house.app.request("http://otto.test/samples", {
          method: "POST",
          body: new URLSearchParams({ source: "github" }),
        });
        assertEquals([response.status, response.headers.get("location")], [303, "/"]);
      }
      const [first, second] = house.received;
      assertEquals(first.url, "http://otto.test/webhook/github");
      const ids = [first, second].map(({ headers }) => headers.get("x-github-delivery"));
      assert(ids[0] !== ids[1]);
      assertMatch(ids[0]!, /^[0-9a-f]{32}$/);
      assert(await first.text() !== await second.text(), "the same event twice");
    });

    it("that is refused says why", async () => {
      house = await build(store);
      const response = await house.app.request("/samples", {
        method: "POST",
        body: new URLSearchParams({ source: "stripe" }),
      });
      assertEquals(response.status, 401);
      assertStringIncludes(await response.text(), "Not here");
    });

    it("of a source that does not exist is refused", async () => {
      house = await build(store);
      for (const source of ["", "nobody", "__proto__", "toString"]) {
        const response = await house.app.request("/samples", {
          method: "POST",
          body: new URLSearchParams({ source }),
        });
        assertEquals(response.status, 400);
        await response.body?.cancel();
      }
    });

    it("of Slack wants a secret", async () => {
      const config = readConfig({});
      assertEquals(
        listSampled({ config, sources: registry }).find(({ name }) => name === "slack")?.missing,
        "SLACK_SIGNING_SECRET",
      );
      const refused = await makeSample({ config, sources: registry }, {
        name: "slack",
        origin: "http://o",
        turn: 0,
      })
        .catch((error) => error);
      assert(refused instanceof Problem);
      const ready = readConfig({ SLACK_SIGNING_SECRET: SLACK_SECRET });
      assertEquals(
        listSampled({ config: ready, sources: registry }).find(({ name }) => name === "slack")
          ?.missing,
        undefined,
      );
    });

    it("is signed as the vendor would, wherever there is a secret", async () => {
      const config = readConfig({
        SLACK_SIGNING_SECRET: SLACK_SECRET,
        STRIPE_WEBHOOK_SECRET: "whsec_new,whsec_old",
        WEBHOOK_SECRET_GITHUB: "hub",
        TWILIO_AUTH_TOKEN: "token",
      });
      const secretOf = { slack: SLACK_SECRET, stripe: "whsec_new", github: "hub", twilio: "token" };
      for (const [name, secret] of Object.entries(secretOf)) {
        const source = sources[name as keyof typeof sources];
        for (let turn = 0; turn < source.samples!.length; turn++) {
          const request = await makeSample({ config, sources: registry }, {
            name,
            origin: "https://o.example",
            turn,
          });
          const body = new Uint8Array(await request.arrayBuffer());
          const { url, headers } = request;
          const incoming = {
            type: name,
            method: "POST",
            url,
            headers,
            body,
            queryForm: undefined,
            receivedAt: Date.now(),
          };
          assertEquals(await source.verify!(incoming, [secret]), { ok: true }, name);
          assert(!new TextDecoder().decode(body).includes("SAMPLE"));
        }
      }
    });
  });

  describe("a clock that runs ahead", () => {
    it("never makes a page speak of negative times", async () => {
      house = await build(store);
      await house.send({ title: "x" });
      await house.services.database.query(
        "go ahead in time",
        (sql) => sql`update messages set received_at = now() + interval '1 hour'`,
      );
      await house.work();
      assertEquals(
        (await searchMessages(house.services.database, {}, { limit: 1, sources: [] })).items.length,
        1,
      );
      assert(!/-\d+ (ms|s|min) /.test(await house.page()));
    });
  });
});

describe("the files of the page", () => {
  const files = staticFiles();

  it("may be kept for ever under their hash, and are checked anew under any other", async () => {
    for (const name of ["style.css", "live.js", "favicon.svg"] as const) {
      const response = await files.request(asset(name));
      assertEquals(response.status, 200);
      assertStringIncludes(response.headers.get("cache-control")!, "immutable");
      await response.body?.cancel();
      const plain = await files.request(`/static/${name}?v=0123456789abcdef`);
      assertEquals(plain.headers.get("cache-control"), "no-cache");
      await plain.body?.cancel();
      const again = await files.request(`/static/${name}`, {
        headers: { "if-none-match": plain.headers.get("etag")! },
      });
      assertEquals([again.status, await again.text()], [304, ""]);
    }
  });

  it("import what is there, and is never kept without a look", async () => {
    const code = await (await files.request(asset("live.js"))).text();
    const imports = [...code.matchAll(/from "(\.\/[\w.]+)"/g)].map(([, path]) => path);
    assert(imports.length > 0);
    for (const path of imports) {
      const { pathname } = new URL(path, `http://o${asset("live.js")}`);
      const response = await files.request(pathname);
      assertEquals(response.status, 200, path);
      assertEquals(response.headers.get("cache-control"), "no-cache");
      await response.body?.cancel();
    }
  });

  it("are the listed ones only", async () => {
    for (
      const path of [
        "",
        "../static.ts",
        "..%2fstatic.ts",
        "%2e%2e%2f%2e%2e%2fdeno.json",
        "__proto__",
      ]
    ) {
      const response = await files.request(`http://o/static/${path}`);
      assertEquals(response.status, 404);
      await response.body?.cancel();
    }
  });
});

describe("the words of a row", () => {
  const message = { state: "processed", attempts: 1, received_at: new Date() } as Message;
  const task = { status: "running", created_at: new Date() } as Task;

  it("say where it is, in the word of its filter", () => {
    const words = PHASES.map(phaseWord);
    assertEquals(
      words.join(),
      "queued,held,working,waiting,needs you,done,failed,cancelled,filtered,refused",
    );
  });

  it("never leave a stage without words", () => {
    for (const state of ["new", "processed", "filtered", "failed", "rejected"] as const) {
      for (const status of [undefined, "pending", "running", "completed", "cancelled"] as const) {
        const row = {
          message: { ...message, state },
          sourceName: "GitHub",
          task: status && { ...task, status },
          tellings: [],
        };
        const stages = stagesOf(row);
        assertEquals(stages.map(({ name }) => name).join(), "Receive,Queue,Task,Agent,Notified");
        for (const { words } of stages) assert(words.length > 0);
      }
    }
  });

  it("tell times as people do", () => {
    const now = Date.now();
    const said = [0, 5, 65, 7_200, 200_000].map((s) => ago(new Date(now - s * 1_000), now));
    assertEquals(said, ["just now", "5 s ago", "1 min ago", "2 h ago", "2 d ago"]);
    const spans = [0.2, 12.4, 1_500, 45_000, 300_000].map(took);
    assertEquals(spans, ["under 1 ms", "12 ms", "1.5 s", "45 s", "5 min"]);
  });
});

import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import Stripe from "stripe";
import { ACCESS } from "../../handlers/access.ts";
import { UNRECORDED } from "../../handlers/acts.ts";
import { forgetAudit, recordAct } from "../../lib/people/audit.ts";
import { type AuditEntry, listActsOn, searchAudit } from "../../lib/people/audit_search.ts";
import { createWorker } from "../../lib/work/work.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { describeWith } from "../servers/mod.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const READ_TOKEN = "a token that only looks";
const ID = "0198c0de-0000-7000-8000-000000000001";
const STRIPE_WEBHOOK_SECRET = "whsec_of_ours";
const BEARER = { authorization: `Bearer ${ADMIN_TOKEN}` };

const pathOf = (path: string) =>
  path.replace(":type", "demo").replace(":id", ID).replace(":name", "github")
    .replace(":token", ID).replace(":action", "delete");

describe("the audit log", () => suite(() => Promise.resolve({})));

describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  describe("the audit log", () =>
    suite(async () => ({ DATABASE_URL: await servers.postgres.createDatabase() })));
});

function suite(store: () => Promise<Record<string, string>>) {
  let otto: Otto;
  beforeAll(async () => {
    const secret = { GITHUB_WEBHOOK_SECRET: "s3cret-of-ours", STRIPE_WEBHOOK_SECRET };
    otto = await openOtto({ ADMIN_TOKEN, READ_TOKEN, ...secret, ...await store() });
  });
  afterAll(() => otto[Symbol.asyncDispose]());
  const database = () => otto.services.database;
  const newest = async () => (await searchAudit(database(), {}, 1)).items[0];
  const api = (method: string, path: string, body?: unknown) =>
    otto.ask(path, {
      method,
      headers: { ...BEARER, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  const post = (path: string, fields: Record<string, string>) =>
    otto.ask(path, { method: "POST", headers: BEARER, body: new URLSearchParams(fields) });

  for (const [method, path, who] of ACCESS) {
    if (method === "GET" || ["anyone", "agent with its task's token"].includes(who)) continue;
    const name = `${method} ${path}`;
    it(`${Object.hasOwn(UNRECORDED, name) ? "leaves out" : "has"} ${name}`, async () => {
      const before = await newest();
      const answer = await otto.ask(pathOf(path), {
        method,
        headers: BEARER,
        ...(method === "DELETE" ? {} : { body: "" }),
      });
      await answer.body?.cancel();
      const entry = await newest();
      if (Object.hasOwn(UNRECORDED, name)) {
        assertEquals(entry?.id, before?.id);
        return;
      }
      assert(entry && entry.id !== before?.id, "no entry was made");
      assertEquals(
        [entry.route, entry.status, entry.who, entry.proof],
        [name, answer.status, "admin", "token"],
      );
      assertEquals(entry.channel, path.startsWith("/api/") ? "api" : "page");
      assertEquals(entry.outcome, answer.status >= 400 ? "refused" : "done");
      if (path.includes(":id")) assertEquals(entry.ids[0], ID);
    });
  }

  it("leaves out no route without a reason, and none that there is not", () => {
    const routes = ACCESS.map(([method, path]) => `${method} ${path}`);
    for (const [name, reason] of Object.entries(UNRECORDED)) {
      assert(routes.includes(name) && reason.length > 10, name);
    }
  });

  it("says who tried to release what, from where, and that it was refused", async () => {
    const answer = await otto.ask("/webhook/github", {
      method: "POST",
      body: "{}",
      headers: { "x-github-event": "ping", "x-hub-signature-256": "sha256=00" },
    });
    assertEquals(answer.status, 401);
    await answer.body?.cancel();
    await otto.services.quarantine.idle();
    const { items: [{ message_id: id }] } = await json(
      await api("GET", "/api/messages?phase=refused"),
    );
    await json(await api("POST", `/api/messages/${id}/release`), 409);
    const entry = await newest();
    assertEquals(
      [entry.act, entry.thing, entry.ids, entry.outcome, entry.client_ip],
      ["release", "message", [id], "refused", "127.0.0.1"],
    );
    assertEquals(await listActsOn(database(), id, 10), [], "what was refused was not done");
  });

  it("has a release that succeeded, which the message's history names, too", async () => {
    const body = '{"id":"evt_late","type":"invoice.paid","object":"event"}';
    const signature = await Stripe.webhooks.generateTestHeaderStringAsync({
      payload: body,
      secret: STRIPE_WEBHOOK_SECRET,
      timestamp: Math.floor(Date.now() / 1000) - 4_000,
    });
    const answer = await otto.ask("/webhook/stripe", {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "stripe-signature": signature },
    });
    assertEquals(answer.status, 401);
    await answer.body?.cancel();
    await otto.services.quarantine.idle();
    const { items: [{ message_id: id }] } = await json(
      await api("GET", "/api/messages?phase=refused&source=stripe"),
    );
    await json(await api("POST", `/api/messages/${id}/release`));
    const [entry, ...others] = await listActsOn(database(), id, 10);
    assertEquals(others, []);
    assertEquals([entry.act, entry.who, entry.outcome, entry.status], [
      "release",
      "admin",
      "done",
      200,
    ]);
    const page = await (await otto.ask(`/messages/${id}`, { headers: BEARER })).text();
    assert(/released by\s*<span dir="auto">admin<\/span>/.test(page), page);
  });

  it("names the new message of a replay, so that both know of it", async () => {
    const id = await otto.send("demo", '{"a":1}');
    const { message_id: made } = await json(await api("POST", `/api/messages/${id}/replay`), 201);
    for (const each of [id, made]) {
      const [entry] = await listActsOn(database(), each, 10);
      assertEquals([entry.act, entry.ids], ["replay", [id, made]]);
      const page = await (await otto.ask(`/messages/${each}`, { headers: BEARER })).text();
      assert(/replayed by\s*<span dir="auto">admin<\/span>/.test(page), page);
    }
  });

  it("has one entry for many, with the filter, the count and what became of them", async () => {
    const ids = [await otto.send("many", "1"), await otto.send("many", "2")];
    const filter = { source: "many" };
    await json(await api("POST", "/api/messages/delete", { filter, expect: 3 }), 409);
    const { detail } = await newest();
    assertEquals([detail.filter, detail.expect], ['{"source":"many"}', 3], "what was refused");
    await json(await api("POST", "/api/messages/delete", { filter, expect: 2 }));
    const entry = await newest();
    assertEquals([entry.act, entry.thing, entry.outcome], ["delete", "message", "done"]);
    assertEquals(entry.ids.toSorted(), ids.toSorted());
    assertEquals(
      [entry.detail.count, entry.detail.done, entry.detail.refused],
      [2, 2, 0],
    );
    assertEquals(JSON.parse(entry.detail.filter as string).source, "many");
    assertEquals((await listActsOn(database(), ids[0], 10)).length, 1, "it outlives the message");
    const page = await (await otto.ask("/audit", { headers: BEARER })).text();
    assert(page.includes("deleted 2 messages of many</span>"), page);
    assert(!page.includes("{&quot;source"), page);
  });

  it("keeps no name that turns the text around it", async () => {
    const name = "Bob\u202egnp.exe";
    const made = await json(
      await api("POST", "/api/users", { email: "bob@example.com", name }),
      201,
    );
    assertEquals(made.name, "Bobgnp.exe");
  });

  it("has lists that say what they cannot filter by, and whose paths may end in a slash", async () => {
    const ask = (path: string) => otto.ask(path, { headers: { ...BEARER, accept: "text/html" } });
    const answer = await ask("/messages?phase=bogus");
    assertEquals(answer.status, 400);
    assert((await answer.text()).includes("no phase “bogus”"));
    const moved = await ask("/tasks/?q=x");
    assertEquals([moved.status, moved.headers.get("location")], [302, "/tasks?q=x"]);
  });

  it("takes the word in a form's address for an act, and never for an id", async () => {
    const id = await otto.send("many", "3");
    await (await post("/messages/many/delete", { ids: id })).body?.cancel();
    const entry = await newest();
    assertEquals([entry.act, entry.thing, entry.ids], ["delete", "message", [id]]);
    const page = await (await otto.ask("/audit", { headers: BEARER })).text();
    assert(page.includes("deleted 1 message</span>"), page);
    assert(!page.includes('href="/messages/delete"'), page);
  });

  describe("of a bulk action", () => {
    const bulk = async (fields: Record<string, string>) => {
      const answer = await post("/bulk", { of: "messages", ...fields });
      await answer.body?.cancel();
      return answer.headers.get("location")!;
    };
    const entries = async (place: string) =>
      (await searchAudit(database(), { thing: place.split("/").at(-1)! }, 10)).items
        .map(({ act, thing, outcome, who, channel, detail }) => ({
          ...detail,
          is: `${act} ${thing} ${outcome} ${who} ${channel}`,
        }));

    it("has what is done at its start, and what came of it at its end", async () => {
      for (const body of ["1", "2"]) await otto.send("crowd", body);
      const place = await bulk({ action: "delete", webhook_type: "crowd" });
      await (await post(`${place}/start`, {})).body?.cancel();
      const filter = '{"webhook_type":"crowd"}';
      const begun = [
        { is: "delete message done admin page", filter, count: 2 },
        { is: "prepare bulk done admin page", action: "delete", filter, count: 2 },
      ];
      assertEquals(await entries(place), begun);
      await (await post(`${place}/start`, {})).body?.cancel();
      const again = { is: "start bulk done admin page" };
      assertEquals(await entries(place), [again, ...begun], "a second press starts nothing");
      const worker = createWorker(otto.services);
      while (await worker.workBulk(new AbortController().signal) > 0);
      assertEquals(await entries(place), [
        {
          is: "delete message done admin page",
          ended: "done",
          count: 2,
          done: 2,
          failed: 0,
          left: 0,
        },
        again,
        ...begun,
      ]);
    });

    it("has its end where nothing could be done, and where it was cancelled", async () => {
      await otto.send("crowd", "3");
      const place = await bulk({ action: "release", webhook_type: "crowd", phase: "queued" });
      await (await post(`${place}/start`, {})).body?.cancel();
      const worker = createWorker(otto.services);
      await worker.workBulk(new AbortController().signal);
      assertEquals((await entries(place))[0].is, "release message failed admin page");
      const other = await bulk({ action: "delete", webhook_type: "crowd" });
      await (await post(`${other}/cancel`, {})).body?.cancel();
      const acts = async () => (await entries(other)).map(({ is }) => is.split(" ")[0]);
      assertEquals(await acts(), ["cancel", "prepare"], "nobody has started it");
      const third = await bulk({ action: "delete", webhook_type: "crowd" });
      await (await post(`${third}/start`, {})).body?.cancel();
      await (await post(`${third}/cancel`, {})).body?.cancel();
      const ends = (await entries(third)).filter((each) => "ended" in each);
      assertEquals<unknown>(ends, [{
        is: "delete message done admin page",
        ended: "cancelled",
        count: 1,
        done: 0,
        failed: 0,
        left: 1,
      }]);
    });

    it("says that a text was looked for, and no word of it", async () => {
      await otto.send("crowd", '{"from":"ada@example.com"}');
      const place = await bulk({ action: "delete", webhook_type: "crowd", body: "ada@example" });
      const kept = await json(await api("GET", `/api${place}`));
      const { items } = await searchAudit(database(), {}, 1);
      await json(
        await api("POST", "/api/messages/delete", {
          filter: { q: "ada@example", header: "x-mail: ada@example" },
          expect: 7,
        }),
        409,
      );
      const all = JSON.stringify([kept, items, await newest()]);
      assert(!all.includes("ada@example"), all);
      assertEquals(kept.filter.body, "a text that is not kept");
      assert(JSON.stringify(await newest()).includes("header"));
    });
  });

  it("says what a decision was, and no word of an answer", async () => {
    await otto.send("demo", '{"b":1}');
    await otto.workOff();
    const { items: [{ id }] } = await json(await api("GET", "/api/tasks?limit=1"));
    await json(await api("POST", `/api/tasks/${id}/answer`, { text: "words-of-mine" }), 409);
    assert(!JSON.stringify(await newest()).includes("words-of-mine"));
    const user = await json(
      await api("POST", "/api/users", { email: "ada@example.com", name: "Ada" }),
      201,
    );
    await json(await api("PATCH", `/api/tasks/${id}`, { assigned_to: user.id }));
    const entry = await newest();
    assertEquals(
      [entry.act, entry.ids, entry.detail],
      ["reassign", [id], { assigned_to: user.id }],
    );
  });

  it("has a source's pause, by the name that it was paused under", async () => {
    await (await post("/sources/github/pause", {})).body?.cancel();
    await (await post("/sources/github/resume", {})).body?.cancel();
    const acts = await listActsOn(database(), "github", 2);
    assertEquals(acts.map(({ act, thing }) => `${act} ${thing}`), [
      "resume source",
      "pause source",
    ]);
  });

  it("has who signed in, who signed out, and who could not", async () => {
    const signIn = (token: string, from: string) =>
      otto.ask("/sign-in", { method: "POST", from, body: new URLSearchParams({ token }) });
    const answer = await signIn(READ_TOKEN, "192.0.2.1");
    const cookie = answer.headers.get("set-cookie")!.split(";")[0];
    const inEntry = await newest();
    assertEquals(
      [inEntry.act, inEntry.who, inEntry.client_ip, inEntry.outcome],
      ["sign_in", "reader", "192.0.2.1", "done"],
    );
    await otto.ask("/sign-out", { method: "POST", headers: { cookie } });
    assertEquals((await newest()).act, "sign_out");
    const last = await newest();
    await otto.ask("/sign-out", { method: "POST", headers: { cookie } });
    assertEquals((await newest()).id, last.id, "nobody was signed in any more");
    assertEquals((await signIn("wrong", "192.0.2.2")).status, 401);
    const refused = await newest();
    assertEquals(
      [refused.act, refused.who, refused.client_ip, refused.outcome],
      ["sign_in", "somebody", "192.0.2.2", "refused"],
    );
    assert(!JSON.stringify(refused).includes("wrong"), "what was tried is kept");
  });

  it("is not filled by whoever guesses", async () => {
    const guess = async (from: string) => {
      const headers = { authorization: "Bearer wrong" };
      const answer = await otto.ask("/api/tasks", { from, headers });
      await answer.body?.cancel();
      return answer.status;
    };
    for (let n = 0; n < 12; n++) await guess("198.51.100.7");
    const count = async () =>
      (await searchAudit(database(), { act: "sign_in", outcome: "refused" }, 1_000)).items;
    const ofOne = (await count()).filter(({ client_ip }) => client_ip === "198.51.100.7");
    assertEquals(ofOne.length, 1, "one address is one entry");
    for (let n = 0; n < 250; n++) assertEquals(await guess(`10.9.${n >> 4}.${n & 15}`), 401);
    assertEquals((await count()).length, 200);
  });

  it("has what was begun, should nobody live to say how it ended", async () => {
    const actor = { who: "Ada", proof: "token", channel: "api" } as const;
    const failing = recordAct(database(), { actor, act: "try", thing: "luck" }, () => {
      throw new Error("the store is away");
    });
    assertEquals(await failing.catch(({ message }) => message), "the store is away");
    assertEquals((await newest()).outcome, "failed");
    let seen: AuditEntry | undefined;
    await recordAct(database(), { actor, act: "look", thing: "log" }, async () => {
      seen = await newest();
      return { result: undefined, outcome: "done" };
    });
    assertEquals([seen?.act, seen?.outcome], ["look", "unknown"]);
    assertEquals((await newest()).outcome, "done");
  });

  it("holds little of a large detail, and takes odd texts", async () => {
    const actor = { who: "A\0d\ud800a".repeat(100), proof: "token", channel: "api" } as const;
    const detail = { filter: { q: "x".repeat(5_000) }, nul: "\0", half: "\ud800" };
    const act = { actor, act: "look", thing: "log", ids: ['é\0"{}\\,'], detail };
    await recordAct(database(), act, () => Promise.resolve({ result: 1, outcome: "done" }));
    const entry = await newest();
    assertEquals([entry.who.length, entry.ids], [200, ['é\ufffd"{}\\,']]);
    assert(JSON.stringify(entry.detail).length < 500);
  });

  it("is looked through by whoever reads, by who, what, which and when", async () => {
    const look = async (query: string) => (await json(
      await otto.ask(`/api/audit?${query}`, { headers: { authorization: `Bearer ${READ_TOKEN}` } }),
    ));
    const all: AuditEntry[] = [];
    for (let cursor = "";;) {
      const { items, next } = await look(`limit=100${cursor && `&cursor=${cursor}`}`);
      all.push(...items);
      if (!next) break;
      cursor = next;
    }
    assertEquals(all.map(({ id }) => id), all.map(({ id }) => id).toSorted().reverse());
    const { items: pauses } = await look("act=pause&thing=github");
    assert(pauses.every(({ act, ids }: AuditEntry) => act === "pause" && ids[0] === "github"));
    assert(pauses.length > 0);
    assertEquals((await look("who=reade&act=sign_in")).items[0].who, "reader");
    assertEquals((await look("since=2h&until=1h")).items, []);
    assert((await look("since=1h")).items.length > 0);
    assertEquals((await otto.ask("/api/audit?whom=ada", { headers: BEARER })).status, 400);
  });

  it("has a page with filters, whose links lead to what it speaks of", async () => {
    const read = async (path: string) =>
      await (await otto.ask(path, { headers: { authorization: `Bearer ${READ_TOKEN}` } })).text();
    const page = await read("/audit");
    assert(page.includes("Audit log · Otto") && page.includes(`rel="next"`), page);
    const paused = await read("/audit?act=pause&thing=github&who=admin&since=1h");
    assert(paused.includes(`<a href="/sources/github" title="github">`), paused);
    assert(/<option value="pause"\s*selected/.test(paused), paused);
    assert((await read("/audit?thing=nothing-of-ours")).includes("No entry matches"));
    assert((await read("/audit?act=&who=&before=x")).includes(`id="rows"`));
  });

  it("goes by its age, and by nothing else", async () => {
    const { id } = await newest();
    const rows = await database().query("look", (sql) => sql`select count(*)::int as n from audit`);
    assertEquals(await forgetAudit(database(), new Date(Date.now() - 60_000), 500), 0);
    await database().query(
      "age it",
      (sql) => sql`update audit set at = now() - interval '91 days' where id = ${id}`,
    );
    const before = new Date(Date.now() - 90 * 86_400_000);
    assertEquals(await forgetAudit(database(), before, 500), 1);
    const left = await database().query("look", (sql) => sql`select count(*)::int as n from audit`);
    assertEquals(left[0].n, rows[0].n - 1);
  });
}

import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { searchAudit } from "../../lib/people/audit_search.ts";
import { createRedactor } from "../../lib/redaction/redact.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const READ_TOKEN = "a token that only looks";
const ORIGIN = "http://localhost:8000";

describe("a token of a person's own", () => {
  let otto: Otto;
  let ada: string;
  beforeAll(async () => {
    otto = await openOtto({ ADMIN_TOKEN, READ_TOKEN });
    const user = { email: "ada@example.com", name: "Ada" };
    ada = (await json(await call(ADMIN_TOKEN, "POST", "/api/users", user), 201)).id;
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const call = (token: string, method: string, path: string, body?: unknown) =>
    otto.ask(path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  const status = async (token: string, method: string, path: string, body?: unknown) => {
    const answer = await call(token, method, path, body);
    await answer.body?.cancel();
    return answer.status;
  };
  const make = async (given: Record<string, unknown> = {}, user = ada) =>
    await json(
      await call(ADMIN_TOKEN, "POST", `/api/users/${user}/tokens`, {
        name: "laptop",
        role: "admin",
        ...given,
      }),
      201,
    );
  const revoke = (id: string) => status(ADMIN_TOKEN, "DELETE", `/api/users/${ada}/tokens/${id}`);
  async function signIn(token: string): Promise<{ cookie: string; origin: string }> {
    const answer = await otto.ask("/sign-in", {
      method: "POST",
      body: new URLSearchParams({ token }),
      headers: { origin: ORIGIN },
    });
    assertEquals(answer.status, 303);
    return { cookie: answer.headers.get("set-cookie")!.split(";")[0], origin: ORIGIN };
  }
  const asked = async (headers: Record<string, string>) => {
    const answer = await otto.ask("/api/tasks", { headers });
    await answer.body?.cancel();
    return answer.status;
  };

  it("lets them in by name, and what they do stands under it", async () => {
    const { token, role, last_used_at } = await make();
    assertMatch(token, /^otto_[0-9a-f]{12}_[\w-]{32}$/);
    assertEquals([role, last_used_at], ["admin", null]);
    const id = await otto.send("demo", "{}");
    await otto.workOff();
    const { task_id } = await json(await call(token, "GET", `/api/messages/${id}`));
    await json(await call(token, "PATCH", `/api/tasks/${task_id}`, { assigned_to: ada }));
    const { events } = await json(await call(token, "GET", `/api/tasks/${task_id}`));
    assertEquals(events.at(-1).actor, "Ada");
    const { items: [entry] } = await searchAudit(otto.services.database, { who: ada }, 1);
    assertEquals(
      [entry.act, entry.who, entry.user_id, entry.proof],
      ["reassign", "Ada", ada, "token"],
    );
    const latest = new Date().toISOString();
    await json(await call(token, "POST", "/api/needs/seen", { key: "failed:demo:1", latest }));
    const [{ seen_by }] = await otto.services.database.query(
      "look",
      (sql) =>
        sql<{ seen_by: string }[]>`select seen_by from need_groups where key = 'failed:demo:1'`,
    );
    assertEquals(seen_by, "Ada");
    const page = await (await call(token, "GET", `/tasks/${task_id}`)).text();
    assert(page.includes(`reassigned by <a href="/users/${ada}" dir="auto">Ada</a>`), page);
  });

  it("signs in on the page, for as long as it is there", async () => {
    const { id, token } = await make();
    const session = await signIn(token);
    assertEquals(await asked(session), 200);
    const init = { method: "POST", headers: session, body: "" };
    await otto.ask("/sources/github/pause", init).then(({ body }) => body?.cancel());
    const { items: [entry] } = await searchAudit(otto.services.database, { who: ada }, 1);
    assertEquals([entry.who, entry.proof, entry.channel], ["Ada", "session", "page"]);
    assertEquals(await revoke(id), 204);
    assertEquals(await asked(session), 401);
    assertEquals(await status(token, "GET", "/api/tasks"), 401);
    assertEquals(await revoke(id), 404);
  });

  it("ends the streams that it opened, and so does signing out", async () => {
    const { id, token } = await make();
    const bearer = { authorization: `Bearer ${token}` };
    const streams = [
      await otto.ask("/api/stream", { headers: bearer }),
      await otto.ask("/live", { headers: await signIn(token) }),
    ];
    const leaving = await signIn(ADMIN_TOKEN);
    streams.push(await otto.ask("/live", { headers: leaving }));
    for (const { status } of streams) assertEquals(status, 200);
    assertEquals(await revoke(id), 204);
    await otto.ask("/sign-out", { method: "POST", headers: leaving });
    // Each is read to its end: a stream that goes on would keep this from ending.
    await Promise.all(streams.map((stream) => stream.text()));
  });

  it("of a reader looks, changes nothing, and sees no tokens", async () => {
    const { token } = await make({ role: "reader" });
    const session = await signIn(token);
    assertEquals(await asked(session), 200);
    for (const each of [token, READ_TOKEN]) {
      assertEquals(await status(each, "GET", `/api/users/${ada}/tokens`), 403);
      assertEquals(await status(each, "POST", `/api/users/${ada}/tokens`, {}), 403);
      const page = await (await call(each, "GET", `/users/${ada}`)).text();
      assert(page.includes("Ada") && !page.includes("otto_"), page);
    }
  });

  it("ends when its days are over, and with it the sessions that it opened", async () => {
    const { id, token, expires_at } = await make({ expires_in_days: 1 });
    assert(Math.abs(Date.parse(expires_at) - Date.now() - 86_400_000) < 60_000);
    const session = await signIn(token);
    await otto.services.database.query(
      "end it",
      (sql) => sql`update person_tokens set expires_at = now() where id = ${id}`,
    );
    assertEquals(await status(token, "GET", "/api/tasks"), 401);
    assertEquals(await asked(session), 401);
  });

  it("changes what its sessions may do when its role changes", async () => {
    const { id, token } = await make();
    const session = await signIn(token);
    await otto.services.database.query(
      "change it",
      (sql) => sql`update person_tokens set role = 'reader' where id = ${id}`,
    );
    assertEquals(await asked(session), 200);
    const answer = await otto.ask("/samples", { method: "POST", headers: session, body: "" });
    assertEquals((await json(answer, 403)).error.code, "read_only");
  });

  it("is kept as a hash alone, and its use to some minutes", async () => {
    const { id, token } = await make();
    const row = async () =>
      (await otto.services.database.query(
        "look",
        (sql) => sql`select t::text as kept, last_used_at from person_tokens t where id = ${id}`,
      ))[0];
    await status(token, "GET", "/api/tasks");
    const { kept, last_used_at } = await row();
    assert(!kept.includes(token.slice(-32)), "the secret is kept");
    assert(last_used_at !== null);
    await status(token, "GET", "/api/tasks");
    assertEquals((await row()).last_used_at, last_used_at, "each use is a write");
    const { items } = await json(await call(ADMIN_TOKEN, "GET", `/api/users/${ada}/tokens`));
    assert(items.some((each: { id: string }) => each.id === id));
    assert(!JSON.stringify(items).includes(token.slice(-32)));
    const { items: acts } = await searchAudit(otto.services.database, {}, 200);
    assert(!JSON.stringify(acts).includes(token.slice(-32)), "the audit log has it");
    assertEquals(createRedactor(() => [])(`it is ${token}.`), "it is •••.");
  });

  it("is not another one with its handle", async () => {
    const { token } = await make();
    const wrong = [
      token.slice(0, -1),
      token.replace(/.$/, (last: string) => last === "A" ? "B" : "A"),
      `${token}x`,
      token.toUpperCase(),
      "otto_000000000000_" + "A".repeat(32),
    ];
    for (const each of wrong) assertEquals(await status(each, "GET", "/api/tasks"), 401, each);
  });

  it("is made for people, and so many for each", async () => {
    await otto.send("demo", "{}");
    await otto.workOff();
    const { items } = await json(await call(ADMIN_TOKEN, "GET", "/api/users"));
    const system = items.find(({ kind }: { kind: string }) => kind === "system");
    const body = { name: "x", role: "admin" };
    const path = (id: string) => `/api/users/${id}/tokens`;
    const refused = await call(ADMIN_TOKEN, "POST", path(system.id), body);
    assertEquals((await json(refused, 409)).error.code, "system_user");
    const nobody = "0198c0de-0000-7000-8000-000000000001";
    assertEquals(await status(ADMIN_TOKEN, "POST", path(nobody), body), 404);
    assertEquals(await status(ADMIN_TOKEN, "GET", path(nobody)), 404);
    for (const wrong of [{ ...body, role: "drainer" }, { ...body, name: " " }, { name: "x" }]) {
      assertEquals(await status(ADMIN_TOKEN, "POST", path(ada), wrong), 400);
    }
    const grace = { email: "grace@example.com", name: "Grace" };
    const { id } = await json(await call(ADMIN_TOKEN, "POST", "/api/users", grace), 201);
    for (let n = 0; n < 50; n++) await make({}, id);
    const full = await call(ADMIN_TOKEN, "POST", path(id), body);
    assertEquals((await json(full, 409)).error.code, "too_many_tokens");
  });

  it("never locks the operator out", async () => {
    assertEquals(await status(ADMIN_TOKEN, "GET", `/api/users/${ada}/tokens`), 200);
    assertEquals(await status(READ_TOKEN, "GET", "/api/tasks"), 200);
  });

  it("is made on the person's page, shown there once, and revoked there", async () => {
    const session = await signIn(ADMIN_TOKEN);
    const post = (path: string, fields: Record<string, string>) =>
      otto.ask(path, { method: "POST", headers: session, body: new URLSearchParams(fields) });
    const hostile = `<script>alert(1)</script>\u202e"`;
    const answer = await post(`/users/${ada}/tokens`, {
      name: hostile,
      role: "reader",
      expires_in_days: "",
    });
    assertEquals([answer.status, answer.headers.get("cache-control")], [200, "no-store"]);
    const page = await answer.text();
    assert(!page.includes("<script>alert"), "a name is markup");
    const [, token] = /(otto_[0-9a-f]{12}_[\w-]{32})/.exec(page)!;
    assertEquals(await status(token, "GET", "/api/tasks"), 200);
    assert(page.includes(`name="back" value="/users/${ada}"`), "the theme's button leads nowhere");
    const again = await (await otto.ask(`/users/${ada}`, { headers: session })).text();
    assert(!again.includes(token), "it is shown twice");
    const [, id] = new RegExp(`/users/${ada}/tokens/([0-9a-f-]+)/revoke`).exec(again)!;
    assertEquals((await post(`/users/${ada}/tokens/${id}/revoke`, {})).status, 303);
    assertEquals(await status(token, "GET", "/api/tasks"), 401);
    const wrong = await post(`/users/${ada}/tokens`, {
      name: "",
      role: "reader",
      expires_in_days: "soon",
    });
    assertEquals(wrong.status, 422);
    const said = await wrong.text();
    assert(said.includes("1 to 100 characters") && said.includes("A whole number of days"), said);
    assert(said.includes(`value="soon"`));
  });
});

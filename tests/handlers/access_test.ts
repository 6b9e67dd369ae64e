import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import { ACCESS } from "../../handlers/access.ts";
import { openAdmin } from "../../lib/people/admin.ts";
import { openTaskTokens } from "../../lib/jobs/task_token.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const READ_TOKEN = "a token that only looks";
const DRAIN_TOKEN = "a token that only drains";
const ID = "0198c0de-0000-7000-8000-000000000001";

/** A request for a route that would do no harm. */
const pathOf = (path: string) =>
  path.replace(":type", "demo").replace(":id", ID).replace(":name", "style.css").replace(
    ":token",
    ID,
  );

/** What the guard answers before a route is reached. */
const REFUSALS = [401, 403, 421];

describe("the access table", () => {
  let otto: Otto;
  let session: string;
  let reading: string;
  beforeAll(async () => {
    otto = await openOtto({ ADMIN_TOKEN, READ_TOKEN, DRAIN_TOKEN });
  });
  // Anew for each: one of the routes ends it.
  beforeEach(async () => {
    session = await signIn(ADMIN_TOKEN);
    reading = await signIn(READ_TOKEN);
  });
  async function signIn(token: string): Promise<string> {
    const answer = await otto.ask("/sign-in", {
      method: "POST",
      body: new URLSearchParams({ token }),
      headers: { origin: "http://localhost:8000" },
    });
    assertEquals(answer.status, 303);
    const cookie = answer.headers.get("set-cookie")!;
    assert(/HttpOnly/i.test(cookie) && /SameSite=Lax/i.test(cookie), cookie);
    return cookie.split(";")[0];
  }
  afterAll(() => otto[Symbol.asyncDispose]());

  it("names every route of the app, and no other", () => {
    const routes = otto.app.routes
      // The webhook's "any other method" answers and the guards themselves.
      .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
      .map(({ method, path }) => `${method} ${path.replace(/\{.*\}/, "")}`);
    assertEquals(
      [...new Set(routes)].sort(),
      ACCESS.map(([method, path]) => `${method} ${path}`).sort(),
    );
  });

  let asked = 0;
  const status = async (method: string, path: string, headers: Record<string, string>) => {
    const answer = await otto.ask(pathOf(path), {
      method,
      headers,
      // Each from elsewhere: after ten wrong tokens an address is refused whatever it sends.
      from: `10.0.${asked >> 8}.${asked++ & 255}`,
      ...(method === "GET" ? {} : { body: "" }),
    });
    await answer.body?.cancel();
    return answer.status;
  };

  for (const [method, path, who] of ACCESS) {
    it(`lets ${who} call ${method} ${path}`, async () => {
      const nobody = await status(method, path, {});
      const callers: [string, Record<string, string>][] = [
        ["a wrong token", { authorization: "Bearer wrong" }],
        ["a made-up session", { cookie: "otto_session=9999999999." + "0".repeat(64) }],
      ];
      if (who === "admin" || who === "reader" || who === "drainer") {
        assertEquals(nobody, 401, "without anything");
        for (const [name, headers] of callers) {
          assertEquals(await status(method, path, headers), 401, name);
        }
        const page = { accept: "text/html", host: "evil.example.com" };
        assertEquals(await status(method, path, page), 421, "by another host name");
        const foreign = { cookie: session, origin: "https://evil.example.com" };
        const cross = await status(method, path, foreign);
        if (method !== "GET") assertEquals(cross, 403, "from a page of another site");
      } else if (who === "agent with its task's token") {
        assertEquals(nobody, 401, "without anything");
        for (const [name, headers] of callers) {
          assertEquals(await status(method, path, headers), 401, name);
        }
        // Not the admin's either: only the job has the token.
        const tokens = openTaskTokens(otto.services.database);
        const bearer = async (token: string) =>
          await status(method, path, { authorization: `Bearer ${token}` });
        assertEquals(await bearer(ADMIN_TOKEN), 401, "the admin's token");
        const other = await tokens.make({ id: ID.replace(/.$/, "2"), round: 1 });
        assertEquals(await bearer(other), 401, "another task's token");
        const own = await bearer(await tokens.make({ id: ID, round: 1 }));
        assert(!REFUSALS.includes(own), `with the task's token: ${own}`);
        return;
      } else if (path !== "/sign-in") {
        assert(!REFUSALS.includes(nobody), `without anything: ${nobody}`);
      }
      const reader = [
        await status(method, path, { authorization: `Bearer ${READ_TOKEN}` }),
        await status(method, path, { cookie: reading, origin: "http://localhost:8000" }),
      ];
      for (const got of path === "/sign-in" ? [] : reader) {
        if (who === "admin" || who === "drainer") assertEquals(got, 403, "a reader");
        else assert(!REFUSALS.includes(got), `a reader: ${got}`);
      }
      const drainer = await status(method, path, { authorization: `Bearer ${DRAIN_TOKEN}` });
      if (who === "admin" || who === "reader") assertEquals(drainer, 403, "a drainer");
      else assert(!REFUSALS.includes(drainer) || path === "/sign-in", `a drainer: ${drainer}`);
      const bearer = await status(method, path, { authorization: `Bearer ${ADMIN_TOKEN}` });
      const cookie = await status(method, path, {
        cookie: session,
        origin: "http://localhost:8000",
      });
      for (const [name, got] of [["bearer", bearer], ["cookie", cookie]]) {
        assert(
          path === "/sign-in" || !REFUSALS.includes(got as number),
          `admin by ${name}: ${got}`,
        );
      }
    });
  }

  it("leads a browser back to the page that it asked for first, and nowhere else", async () => {
    const asked = await otto.ask("/messages?phase=failed", {
      headers: { accept: "text/html" },
    });
    const place = asked.headers.get("location")!;
    assertEquals([asked.status, place], [303, "/sign-in?back=%2Fmessages%3Fphase%3Dfailed"]);
    await asked.body?.cancel();
    assertMatch(
      await (await otto.ask(place)).text(),
      /name="back" value="\/messages\?phase=failed"/,
    );
    const returnTo = (back: string) =>
      otto.ask("/sign-in", {
        method: "POST",
        body: new URLSearchParams({ token: ADMIN_TOKEN, back }),
      });
    for (
      const [back, to] of [
        ["/messages?phase=failed", "/messages?phase=failed"],
        ["https://evil.example/", "/"],
        ["//evil.example/", "/"],
        ["/\\evil.example/", "/"],
      ]
    ) {
      const { headers } = await returnTo(back);
      assertEquals(headers.get("location"), to);
    }
  });

  it("sends a browser that is not signed in to the sign-in page", async () => {
    const answer = await otto.ask("/", { headers: { accept: "text/html" } });
    assertEquals([answer.status, answer.headers.get("location")], [303, "/sign-in"]);
  });

  it("ends a reader's session as it ends the admin's, and never makes one of the other", async () => {
    const asked = () => status("GET", "/api/tasks", { cookie: reading });
    assertEquals(await asked(), 200);
    const own = { cookie: reading, origin: "http://localhost:8000" };
    assertEquals(await status("POST", "/samples", own), 403);
    assertEquals(await status("POST", "/sign-out", own), 303);
    assertEquals(await asked(), 401);
  });

  it("answers a browser with a page where it refuses, and a program with JSON", async () => {
    const own = { cookie: reading, origin: "http://localhost:8000" };
    const init = { method: "POST", body: "" };
    const page = await otto.ask("/samples", { ...init, headers: { ...own, accept: "text/html" } });
    assertEquals(page.status, 403);
    assert((await page.text()).includes("You may look at everything here, and change nothing"));
    const answer = await otto.ask("/samples", { ...init, headers: own });
    assertEquals((await json(answer, 403)).error.code, "read_only");
  });

  it("takes no cookie for a state change without an Origin", async () => {
    assertEquals(await status("POST", "/samples", { cookie: session }), 403);
    assertEquals(await status("POST", "/samples", { cookie: session, origin: "null" }), 403);
  });

  it("signs in by the printed link, and out again", async () => {
    const admin = openAdmin(otto.services.config, otto.services.database);
    const code = await admin.makeCode();
    const press = () =>
      otto.ask("/sign-in", {
        method: "POST",
        body: new URLSearchParams({ code }),
        headers: { origin: "http://localhost:8000" },
      });
    const page = await (await otto.ask(`/sign-in?code=${code}`)).text();
    assert(page.includes(`name="code" value="${code}"`), "a preview of the link uses it up");
    const link = await press();
    assertEquals([link.status, link.headers.get("location")], [303, "/"]);
    assertEquals((await press()).status, 401, "it signs in once");
    assertEquals(await admin.redeemCode("wrong"), false);
    const out = await otto.ask("/sign-out", { method: "POST" });
    assert(out.headers.get("set-cookie")!.includes("Max-Age=0"));
  });

  it("ends a session where somebody signs out, wherever its cookie was copied to", async () => {
    const asked = () => status("GET", "/api/tasks", { cookie: session });
    assertEquals(await asked(), 200);
    const own = { cookie: session, origin: "http://localhost:8000" };
    assertEquals(await status("POST", "/sign-out", own), 303);
    assertEquals(await asked(), 401);
  });

  it("opens no stream for HEAD: nothing would ever end it", async () => {
    for (const path of ["/api/stream", "/live"]) {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const answer = await otto.ask(path, { method: "HEAD", headers });
      assertEquals([answer.status, answer.body], [200, null]);
    }
  });

  it("takes no endless body from an admin either", async () => {
    const answer = await otto.ask("/api/messages/replay", {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ ids: [], filler: "x".repeat(300_000) }),
    });
    assertEquals((await json(answer, 413)).error.code, "body_too_large");
  });

  it("lets nobody guess at full speed", async () => {
    const guess = (from: string) =>
      otto.ask("/api/tasks", { from, headers: { authorization: "Bearer wrong" } });
    for (let n = 0; n < 10; n++) assertEquals((await guess("203.0.113.7")).status, 401);
    const answer = await guess("203.0.113.7");
    assertEquals(answer.status, 429);
    assert(Number(answer.headers.get("retry-after")) > 0);
    assertEquals((await guess("203.0.113.8")).status, 401, "somebody else");
    const right = await otto.ask("/api/tasks", {
      from: "203.0.113.7",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    assertEquals(right.status, 200, "who knows the token shares the address");
  });

  it("shows its pages in no frame and runs nothing but its own files", async () => {
    const answer = await otto.ask("/", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    const policy = answer.headers.get("content-security-policy")!;
    assert(policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'"));
    assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
  });
});

describe("without an admin token", () => {
  const replaceToken = ({ services: { config, database } }: Otto) =>
    openAdmin(config, database).replaceToken();
  /** The session's cookie. */
  async function signInBy(otto: Otto, shown: Record<string, string>): Promise<string> {
    const answer = await otto.ask("/sign-in", { method: "POST", body: new URLSearchParams(shown) });
    assertEquals(answer.status, 303);
    return answer.headers.get("set-cookie")!.split(";")[0];
  }
  const ask = async (otto: Otto, more: RequestInit & { from?: string }) =>
    (await otto.ask("/api/tasks", more)).status;

  it("only this machine is let in, and only directly", async () => {
    await using otto = await openOtto();
    assertEquals(await ask(otto, {}), 200);
    assertEquals(await ask(otto, { from: "::1", headers: { host: "[::1]:8000" } }), 200);
    assertEquals(await ask(otto, { from: "203.0.113.9" }), 401);
    assertEquals(await ask(otto, { headers: { "x-forwarded-for": "127.0.0.1" } }), 401);
    assertEquals(await ask(otto, { headers: { "cf-connecting-ip": "1.2.3.4" } }), 401);
    assertEquals(await ask(otto, { headers: { host: "localhost.evil.example" } }), 421);
  });

  const ELSEWHERE: Record<string, string>[] = [
    { TRUST_PROXY: "1" },
    { ALLOWED_HOSTS: "otto.example.com" },
    { HOST: "0.0.0.0" },
    { PUBLIC_URL: "https://otto.example.com" },
  ];
  for (const env of ELSEWHERE) {
    it(`nobody is with ${Object.keys(env)}, but by the token that is made once`, async () => {
      await using otto = await openOtto(env);
      assertEquals(await ask(otto, {}), 401);
      // Nobody makes the token by asking: it would never be shown to anyone.
      assertEquals(await ask(otto, { headers: { authorization: "Bearer guess" } }), 401);
      const code = await otto.app.firstCode();
      assertEquals(
        await ask(otto, { headers: { cookie: await signInBy(otto, { code: code! }) } }),
        200,
      );
      assertEquals(await otto.app.firstCode(), undefined, "it is made once");
      const token = await replaceToken(otto);
      assertEquals(await ask(otto, { headers: { authorization: `Bearer ${token}` } }), 200);
      const [kept] = await otto.services.database.query(
        "look",
        (sql) => sql<{ value: string }[]>`select value from settings`,
      );
      assert(!kept.value.includes(token), "the token itself is kept");
    });

    it(`a lost token is replaced with ${Object.keys(env)}, and its sessions end`, async () => {
      await using otto = await openOtto(env);
      const lost = await replaceToken(otto);
      const cookie = await signInBy(otto, { token: lost });
      assertEquals(await ask(otto, { headers: { cookie } }), 200);
      const { config, database } = otto.services;
      const code = await openAdmin(config, database).makeCode();
      assertEquals(await ask(otto, { headers: { cookie } }), 200, "a new link ends no session");
      const token = await replaceToken(otto);
      assertEquals(await openAdmin(config, database).redeemCode(code), false);
      assertEquals(await ask(otto, { headers: { authorization: `Bearer ${token}` } }), 200);
      assertEquals(await ask(otto, { headers: { authorization: `Bearer ${lost}` } }), 401);
      assertEquals(await ask(otto, { headers: { cookie } }), 401);
    });

    it(`the database of one with ${Object.keys(env)} holds nothing to sign in with`, async () => {
      await using otto = await openOtto(env);
      await signInBy(otto, { code: (await otto.app.firstCode())! });
      await openAdmin(otto.services.config, otto.services.database).makeCode();
      const rows = await otto.services.database.query(
        "look",
        (sql) =>
          sql<{ value: string }[]>`select value from settings
          union all select encode(hash, 'hex') from sessions`,
      );
      assertEquals(rows.length, 3);
      for (const { value } of rows) {
        assertEquals(await ask(otto, { headers: { authorization: `Bearer ${value}` } }), 401);
        assertEquals(await ask(otto, { headers: { cookie: `otto_session=${value}` } }), 401);
        const { config, database } = otto.services;
        assertEquals(await openAdmin(config, database).redeemCode(value), false);
      }
    });
  }
});

describe("a page", () => {
  it("is compressed for those who take it so, and live streams are not", async () => {
    await using otto = await openOtto();
    const headers = { "accept-encoding": "gzip", accept: "text/html" };
    const page = await otto.ask("/messages", { headers });
    assertEquals(page.headers.get("content-encoding"), "gzip");
    const text = await new Response(page.body!.pipeThrough(new DecompressionStream("gzip"))).text();
    assertMatch(text, /<h1>Messages<\/h1>/);
    const stream = await otto.ask("/api/stream", { headers });
    assertEquals(stream.headers.get("content-encoding"), null);
    await stream.body?.cancel();
  });

  it("may be shown as it was when somebody goes back, but not with a code in it", async () => {
    await using otto = await openOtto();
    const cacheControl = async (path: string) => {
      const { headers, body } = await otto.ask(path);
      await body?.cancel();
      return headers.get("cache-control");
    };
    assertEquals(await cacheControl("/messages"), "private, no-cache");
    assertEquals(await cacheControl("/sign-in?code=1"), "no-store");
    assertEquals(await cacheControl("/api/messages"), "no-store");
  });
});

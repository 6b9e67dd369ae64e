import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testFolder } from "../folder.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { until } from "../servers/mod.ts";

/** What `/api/sources` says of one. */
async function sourceOf(otto: Otto, name: string) {
  const { items } = await otto.get("/api/sources");
  return items.find((each: { name: string }) => each.name === name);
}

/** A GitHub event, signed with a secret; gives its status. */
async function sendSigned(otto: Otto, secret: string, n: number): Promise<number> {
  const body = JSON.stringify({ action: "opened", n, repository: { full_name: "octo/billing" } });
  const answer = await otto.ask("/webhook/github", {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "x-github-event": "issues",
      "x-github-delivery": `d-${secret}-${n}`,
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    },
  });
  await answer.body?.cancel();
  return answer.status;
}

const pageOf = async (otto: Otto, path: string, init?: RequestInit) => {
  const answer = await otto.ask(path, init);
  const text = await answer.text();
  assertEquals(answer.status, 200, text);
  return text;
};

const form = (fields: Record<string, string>): RequestInit => ({
  method: "POST",
  body: new URLSearchParams(fields),
});

describe("every name is a source", () => {
  it("has a row, a page and numbers of its own", async () => {
    await using otto = await openOtto();
    await otto.send("billing", '{"n":1}');
    await otto.send("Billing", '{"n":2}');
    await otto.send("crm", '{"n":3}');
    const billing = await sourceOf(otto, "billing");
    assertEquals(billing.last_24_hours, { taken: 2, refused: 0, failed: 0 });
    assertEquals([billing.known, billing.label, billing.state], [false, "billing", "unverified"]);
    assertEquals((await sourceOf(otto, "crm")).last_24_hours.taken, 1);
    const list = await pageOf(otto, "/sources");
    assertStringIncludes(list, 'id="source-billing"');
    assertStringIncludes(list, 'id="source-crm"');
    assert(!list.includes("Any other name"), "nothing is paused or came as one row");
    const page = await pageOf(otto, "/sources/billing");
    assertStringIncludes(page, "taken: 2, refused: 0, failed: 0");
    const found = await otto.get("/api/messages?source=billing");
    assertEquals(found.items.length, 2);
    assertStringIncludes(await pageOf(otto, "/messages"), '<option value="billing"');
  });

  it("is one name, however it is written", async () => {
    await using otto = await openOtto();
    for (
      const [asked, name] of [["BILLING", "billing"], ["GitHub", "github"], ["whatsapp", "meta"]]
    ) {
      const answer = await otto.ask(`/sources/${asked}`);
      assertEquals([answer.status, answer.headers.get("location")], [302, `/sources/${name}`]);
    }
    assertEquals((await otto.ask("/sources/a%20b")).status, 404);
  });

  it("is paused by itself, and counts what waits at the sender", async () => {
    await using otto = await openOtto();
    await otto.send("crm", '{"n":1}');
    await otto.send("shop", '{"n":1}');
    const paused = await otto.post("/api/sources/CRM/pause");
    assertEquals([paused.name, paused.turned_away], ["crm", 0]);
    for (const type of ["crm", "Crm"]) {
      const answer = await otto.ask(`/webhook/${type}`, { method: "POST", body: "{}" });
      assertStringIncludes((await json(answer, 503)).error.message, "Webhooks of crm are paused");
    }
    await otto.send("shop", '{"n":2}');
    await until(async () => (await sourceOf(otto, "crm")).turned_away === 2, {
      what: "both to be counted",
    });
    assertStringIncludes(await pageOf(otto, "/sources/crm"), "2 webhooks were answered with 503");
    const resumed = await otto.post("/api/sources/crm/resume");
    assertEquals([resumed.paused_since, resumed.turned_away], [null, 0]);
    await otto.send("crm", '{"n":2}');
    assertEquals((await otto.ask("/api/sources/crn/pause", { method: "POST" })).status, 404);
  });

  it("stays paused where all that nobody knows was paused", async () => {
    await using otto = await openOtto();
    await otto.post("/api/sources/generic/pause");
    assertEquals((await otto.ask("/webhook/new", { method: "POST", body: "{}" })).status, 503);
    assertStringIncludes(await pageOf(otto, "/sources"), "Any other name");
    await otto.send("github", "{}");
  });

  it("takes names of prototypes for what they are", async () => {
    await using otto = await openOtto();
    const names = ["constructor", "__proto__", "toString"];
    for (const name of names) await otto.send(name, '{"n":1}');
    for (const name of names) {
      const { last_24_hours } = await sourceOf(otto, name.toLowerCase());
      assertEquals(last_24_hours.taken, 1);
      await pageOf(otto, `/sources/${name.toLowerCase()}`);
      await pageOf(otto, `/sources/${name.toLowerCase()}/connect?since=2026-01-01`);
    }
  });

  it("cannot be driven off the list by invented names", async () => {
    await using otto = await openOtto({ UNVERIFIED_DAILY_MESSAGES: "100000" });
    for (let n = 0; n < 3; n++) await otto.send("billing", `{"n":${n}}`);
    for (let n = 0; n < 1_000; n += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, each) => otto.send(`invented-${n + each}`, "{}")),
      );
    }
    const { items } = await otto.get("/api/sources");
    const unknown = items.filter(({ known }: { known: boolean }) => !known);
    assert(unknown.length <= 201, `${unknown.length} names`);
    assert(unknown.some(({ name }: { name: string }) => name === "billing"));
  });

  it("gets no row for what was refused", async () => {
    await using otto = await openOtto({ WEBHOOK_REQUIRE_VERIFIED: "true" });
    const answer = await otto.ask("/webhook/invented", { method: "POST", body: "{}" });
    assertEquals(answer.status, 401);
    await otto.services.quarantine.idle();
    assertEquals(await sourceOf(otto, "invented"), undefined);
  });
});

describe("a source that refuses", () => {
  const ENV = { GITHUB_WEBHOOK_SECRET: "right" };

  it("says since when and why, and not that it is verified", async () => {
    await using otto = await openOtto(ENV);
    assertEquals(await sendSigned(otto, "right", 1), 200);
    assertEquals((await sourceOf(otto, "github")).state, "verified");
    await using other = await openOtto(ENV);
    assertEquals(await sendSigned(other, "right", 1), 200);
    for (const n of [2, 3, 4]) assertEquals(await sendSigned(other, "wrong", n), 401);
    await other.services.quarantine.idle();
    const { state, refusing, refused_kept } = await sourceOf(other, "github");
    assertEquals([state, refused_kept], ["refusing", 3]);
    assert(new Date(refusing.since).getTime() > Date.now() - 60_000);
    const list = await pageOf(other, "/sources");
    assertMatch(list, /refusing<\/span>/);
    assert(!/verified<\/span>/.test(list.split("source-github")[1].split("</tr>")[0]));
  });

  it("tells which value opens what was refused, and keeps it nowhere", async () => {
    const said: string[] = [];
    await using otto = await openOtto({ ...ENV, LOG_LEVEL: "debug" }, {
      write: (line) => void said.push(line),
    });
    for (const n of [1, 2, 3]) assertEquals(await sendSigned(otto, "the-senders", n), 401);
    assertEquals(await sendSigned(otto, "another", 4), 401);
    await otto.services.quarantine.idle();
    const attempt = async (secret: string) =>
      await otto.post("/api/sources/github/try-secret", { secret });
    const none = await attempt("nobodys");
    assertEquals([none.tried, none.opens], [4, 0]);
    assertStringIncludes(none.why, "does not match");
    const some = await attempt(" the-senders\n");
    assertEquals([some.tried, some.opens], [4, 3]);
    const answer = await otto.ask("/sources/github/try-secret", form({ secret: "the-senders" }));
    const text = await answer.text();
    assertEquals([answer.status, answer.headers.get("cache-control")], [200, "no-store"]);
    assertStringIncludes(text, "It opens 3 of 4");
    assert(!text.includes("the-senders"));
    assert(!said.join("\n").includes("the-senders"));
    const kept = await otto.services.database.query(
      "look for it",
      (sql) => sql`select name from settings where value like '%the-senders%'`,
    );
    assertEquals(kept.length, 0);
    assertEquals((await sourceOf(otto, "github")).refused_kept, 4);
  });

  it("judges the time at which each one came", async () => {
    await using otto = await openOtto({ SLACK_SIGNING_SECRET: "right" });
    const body = '{"type":"event_callback","event_id":"E1","event":{"type":"message"}}';
    const time = String(Math.floor(Date.now() / 1_000));
    const sign = createHmac("sha256", "theirs").update(`v0:${time}:${body}`).digest("hex");
    const headers = { "x-slack-request-timestamp": time, "x-slack-signature": `v0=${sign}` };
    const sent = await otto.ask("/webhook/slack", { method: "POST", body, headers });
    assertEquals(sent.status, 401);
    await otto.services.quarantine.idle();
    const { database } = otto.services;
    const tried = async () =>
      await json(
        await otto.ask("/api/sources/slack/try-secret", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: '{"secret":"theirs"}',
        }),
      );
    assertEquals((await tried()).outside_window, 0);
    await database.query(
      "let it come later",
      (sql) => sql`update messages set received_at = received_at + interval '1 hour'`,
    );
    const { tried: count, opens, outside_window } = await tried();
    assertEquals([count, opens, outside_window], [1, 1, 1]);
  });

  it("tells who tries a value of what signs nothing", async () => {
    await using otto = await openOtto();
    await otto.send("billing", "{}");
    const answer = await otto.ask("/sources/billing/try-secret", form({ secret: "x" }));
    assertEquals(answer.status, 409);
    assertEquals((await otto.ask("/sources/github/try-secret", form({ secret: " " }))).status, 400);
  });

  it("is looked at by readers, and tried by admins", async () => {
    const env = { ...ENV, ADMIN_TOKEN: "a".repeat(32), READ_TOKEN: "r".repeat(32) };
    await using otto = await openOtto(env);
    const headers = { authorization: `Bearer ${env.READ_TOKEN}` };
    const page = await otto.ask("/sources/github", { headers });
    assertEquals(page.status, 200);
    assert(!(await page.text()).includes("right"));
    for (const path of ["/sources/github/try-secret", "/sources/github/connect"]) {
      const answer = await otto.ask(path, { ...form({ secret: "right" }), headers });
      assertEquals(answer.status, 403, path);
    }
  });
});

describe("connecting a source", () => {
  const since = "?since=2026-01-01T00:00:00.000Z";

  it("makes a secret that is shown once, and says where it belongs", async () => {
    await using otto = await openOtto();
    const answer = await otto.ask(`/sources/github/connect${since}`, form({ keep: "no" }));
    const text = await answer.text();
    assertEquals([answer.status, answer.headers.get("cache-control")], [200, "no-store"]);
    const [, secret] = /GITHUB_WEBHOOK_SECRET=([0-9a-f]{64})/.exec(text) ?? [];
    assert(secret, text);
    assert(!(await pageOf(otto, `/sources/github/connect${since}`)).includes(secret));
    const stripe = await otto.ask(`/sources/stripe/connect${since}`, form({ keep: "no" }));
    assertEquals(stripe.status, 409);
    assertStringIncludes(await pageOf(otto, `/sources/stripe/connect${since}`), "makes its secret");
  });

  it("puts it into SECRETS_FILE, beside what is set, and takes it at once", async () => {
    await using folder = await testFolder();
    const file = join(folder.path, "secrets.json");
    await writeFile(file, '{\n  "STRIPE_WEBHOOK_SECRET": "whsec_x"\n}\n', { mode: 0o600 });
    {
      await using otto = await openOtto({ SECRETS_FILE: file, GITLAB_WEBHOOK_SECRET: "old" });
      const made = async (name: string) =>
        /id="fresh-secret">([0-9a-f]{64})/.exec(
          await pageOf(otto, `/sources/${name}/connect${since}`, form({ keep: "yes" })),
        )![1];
      const first = await made("github");
      const second = await made("github");
      const gitlab = await made("gitlab");
      assertEquals(JSON.parse(await readFile(file, "utf8")), {
        STRIPE_WEBHOOK_SECRET: "whsec_x",
        GITHUB_WEBHOOK_SECRET: [first, second],
        WEBHOOK_SECRET_GITLAB: gitlab,
      });
      assertEquals((await stat(file)).mode & 0o777, 0o600);
      assertEquals(await sendSigned(otto, second, 1), 200);
      const { set } = await sourceOf(otto, "gitlab");
      assertEquals(set, [
        { variable: "GITLAB_WEBHOOK_SECRET", values: 1, from: "environment" },
        { variable: "WEBHOOK_SECRET_GITLAB", values: 1, from: "SECRETS_FILE" },
      ]);
      const page = await pageOf(otto, "/sources/github");
      assertStringIncludes(page, "2 values, in <code>SECRETS_FILE</code>");
      assert(!page.includes(first) && !page.includes(second));
    }
  });

  it("waits for the first delivery, and says what is wrong with what came", async () => {
    await using otto = await openOtto({ GITHUB_WEBHOOK_SECRET: "right" });
    const start = await otto.ask("/sources/github/connect");
    assertEquals(start.status, 302);
    const path = start.headers.get("location")!;
    assertStringIncludes(await pageOf(otto, path), "Nothing has come since");
    assertEquals(await sendSigned(otto, "wrong", 1), 401);
    await otto.services.quarantine.idle();
    const refused = await pageOf(otto, path);
    assertStringIncludes(refused, "and was refused");
    assertStringIncludes(refused, "does not match the body and the secret");
    assertEquals(await sendSigned(otto, "right", 2), 200);
    assertStringIncludes(await pageOf(otto, path), "its signature is right");
  });

  it("is found by a search over all senders, also by a name of one's own", async () => {
    await using otto = await openOtto();
    const plain = await pageOf(otto, "/sources");
    assert(!plain.includes('href="/sources/stripe'), "senders that nobody uses are not listed");
    assertStringIncludes(await pageOf(otto, "/sources?q=strip"), 'href="/sources/stripe/connect"');
    const own = await pageOf(otto, "/sources?q=My+Shop");
    assertStringIncludes(own, 'href="/sources/my-shop/connect"');
    assertStringIncludes(await pageOf(otto, `/sources/my-shop/connect${since}`), "X-Token");
    const hostile = await pageOf(otto, `/sources?q=${encodeURIComponent('"><script>')}`);
    assert(!hostile.includes('"><script>'));
  });
});

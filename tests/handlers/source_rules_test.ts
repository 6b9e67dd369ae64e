import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { sign } from "@octokit/webhooks-methods";
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import Stripe from "stripe";
import { createRateLimit } from "../../handlers/webhook/rate_limit.ts";
import { groupKey } from "../../lib/message/group/group.ts";
import { checkHealth } from "../../lib/monitor/health.ts";
import { createWorker } from "../../lib/work/work.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";

const SECRET = "the secret of github";
const TYPE = { "content-type": "application/json" };
const RULES = {
  acme: {
    title: "Order {order.id}",
    filter: { all: [{ path: "status", equals: "paid" }] },
    ignore_actors: ["robot*"],
    actor: "{by}",
  },
  near: { allowed_ips: ["10.0.0.0/8", "2001:db8::/32"] },
  slow: { rate_limit: { requests: 2, seconds: 3600 } },
  burst: { title: "Push {n}", merge: { key: "{pr}", seconds: 3 } },
  quick: { title: "Push {n}", merge: { key: "{pr}", seconds: 1 } },
  hook: { scheme: { type: "token", header: "X-Hook" } },
  ask: { scheme: { type: "token", parameter: "hook" }, methods: ["GET"] },
  shop: { scheme: { type: "like", source: "stripe" }, id: "header:X-Request-Id" },
  signed: {
    scheme: { type: "hmac", header: "X-Sig" },
    id: "header:X-Id",
    rate_limit: { requests: 1, seconds: 3600 },
  },
};

const folder = await mkdtemp(join(tmpdir(), "otto-rules-"));
const file = join(folder, "sources.json");
await writeFile(file, JSON.stringify(RULES));
globalThis.addEventListener("unload", () => rmSync(folder, { recursive: true }));

const open = (env: Record<string, string> = {}) => openOtto({ SOURCES_FILE: file, ...env });
const post = (
  otto: Otto,
  type: string,
  body: unknown,
  more: RequestInit & { from?: string } = {},
) =>
  otto.ask(`/webhook/${type}`, {
    method: "POST",
    body: JSON.stringify(body),
    ...more,
    headers: { ...TYPE, ...more.headers as Record<string, string> },
  });
const messageOf = async (otto: Otto, id: string) => await otto.get(`/api/messages/${id}`);
const tasksOf = async (otto: Otto) => (await otto.get("/api/tasks?limit=100")).items;

describe("the rules of a source", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await open({ AGENT_ACCOUNTS: "otto-bot" });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("make a task of what the filter lets through, and keep the rest with the reason", async () => {
    const paid = await otto.send(
      "acme",
      JSON.stringify({ status: "paid", order: { id: 7 } }),
      TYPE,
    );
    const open = await otto.send(
      "acme",
      JSON.stringify({ status: "open", order: { id: 8 } }),
      TYPE,
    );
    const text = await otto.send("acme", "status=paid is not JSON");
    await otto.workOff();
    const made = await messageOf(otto, paid);
    assertEquals([made.state, made.title, made.source], ["processed", "Order 7", "acme"]);
    assert(made.task_id);
    const held = await messageOf(otto, open);
    assertEquals([held.state, held.task_id], ["filtered", null]);
    assertMatch(held.reason, /filter in SOURCES_FILE: status equals "paid": it is open/);
    const wanted = /status equals "paid": the body could not be read/;
    assertMatch((await messageOf(otto, text)).reason, wanted);
    const told = await json(
      await otto.ask("/webhook/acme/explain", { method: "POST", body: "status=paid" }),
    );
    assertMatch(told.filter.reason, wanted);
  });

  it("make no task of what our own agent did, nor of what bots did", async () => {
    const ours = await otto.send(
      "github",
      JSON.stringify({
        action: "created",
        sender: { login: "Otto-Bot" },
        comment: { body: "I have looked at it" },
      }),
      { ...TYPE, "x-github-event": "issue_comment" },
    );
    const bots = await otto.send("acme", '{"status":"paid","by":"robot-7"}', TYPE);
    const person = await otto.send("acme", '{"status":"paid","by":"a robot"}', TYPE);
    await otto.workOff();
    assertMatch((await messageOf(otto, ours)).reason, /AGENT_ACCOUNTS says is Otto's own agent/);
    assertMatch((await messageOf(otto, bots)).reason, /robot-7, whom ignore_actors/);
    assert((await messageOf(otto, person)).task_id);
  });

  it("let nobody in from elsewhere, and believe no header of theirs", async () => {
    const near = [["10.9.9.9"], ["2001:db8::7"], ["::ffff:10.1.1.1"]];
    for (const [from] of near) {
      assertEquals((await post(otto, "near", {}, { from })).status, 200, from);
    }
    for (const from of ["192.0.2.1", "", "2001:db9::1"]) {
      const answer = await post(otto, "near", {}, {
        from,
        headers: { "x-forwarded-for": "10.0.0.1" },
      });
      const { error } = await json(answer, 403);
      assertEquals(error.code, "address_not_allowed");
    }
    // A sample that Otto sends itself has no address.
    const sample = await otto.ask("/samples", {
      method: "POST",
      body: new URLSearchParams({ source: "near" }),
    });
    assertEquals(sample.status, 303);
  });

  it("take as many as the rate allows, then say when to come again", async () => {
    for (let n = 0; n < 2; n++) assertEquals((await post(otto, "slow", { n })).status, 200);
    const answer = await post(otto, "slow", { n: 2 });
    assertEquals((await json(answer, 429)).error.code, "too_many_requests");
    const seconds = Number(answer.headers.get("retry-after"));
    assert(seconds > 0 && seconds <= 1800, String(seconds));
  });

  it("pause a source: it is asked to come again, and is heard again when resumed", async () => {
    const paused = await otto.post("/api/sources/acme/pause");
    assert(paused.paused_since);
    const answer = await post(otto, "ACME", { status: "paid" });
    assertEquals((await json(answer, 503)).error.code, "paused");
    assertEquals(answer.headers.get("retry-after"), "60");
    assertEquals((await post(otto, "near", {}, { from: "10.0.0.1" })).status, 200);
    const page = await (await otto.ask("/sources/acme")).text();
    assertMatch(page, /Paused/);
    const resumed = await otto.ask("/sources/acme/resume", { method: "POST" });
    assertEquals([resumed.status, resumed.headers.get("location")], [303, "/sources/acme"]);
    assertEquals((await post(otto, "acme", { status: "paid" })).status, 200);
    assertEquals((await otto.ask("/api/sources/nobody/pause", { method: "POST" })).status, 404);
  });

  it("are told by an explanation", async () => {
    const told = await json(
      await otto.ask("/webhook/acme/explain", {
        method: "POST",
        body: '{"status":"open"}',
        headers: TYPE,
      }),
    );
    assertEquals(told.filter.passes, false);
    assertMatch(told.filter.reason, /it is open/);
    assertEquals(told.route, null);
    const burst = await json(
      await otto.ask("/webhook/burst/explain", { method: "POST", body: '{"pr":5}', headers: TYPE }),
    );
    assertEquals(burst.merge, { key: "5", seconds: 3 });
    const slow = await otto.post("/webhook/slow/explain", {});
    assertEquals(slow.gate.rate_limit, { requests: 2, seconds: 3600 });
  });

  it("show on the source's page, its samples work, and the list names it", async () => {
    const page = await (await otto.ask("/sources/acme")).text();
    assertMatch(page, /Your rules/);
    assertMatch(page, /status equals/);
    const { items } = await otto.get("/api/sources");
    const acme = items.find(({ name }: { name: string }) => name === "acme");
    assertEquals([acme.signatures, acme.secrets, acme.variable], ["unverified", 0, null]);
  });
});

describe("the file of sources", () => {
  it("stops the start where it is wrong, or where a secret verifies nothing", async () => {
    const wrong = join(folder, "wrong.json");
    await writeFile(wrong, '{\n  "acme": { "filter": [] }\n}');
    await assertRejects(() => openOtto({ SOURCES_FILE: wrong }), Error, "line 2: acme.filter");
    await assertRejects(() => openOtto({ SOURCES_FILE: `${wrong}.not` }), Error, "Cannot read");
    await assertRejects(
      () => open({ WEBHOOK_SECRET_ACME: "a secret" }),
      Error,
      "Cannot verify anything with WEBHOOK_SECRET_ACME",
    );
  });

  it("masks what proves a sender, whatever it is called", async () => {
    const otto = await open({ WEBHOOK_SECRET_HOOK: "open sesame", WEBHOOK_SECRET_ASK: "sesame" });
    try {
      const sent = [
        await otto.send("hook", "{}", { "x-hook": "open sesame" }),
        await otto.send("ask?hook=sesame&n=1", "{}"),
        (await otto.ask("/webhook/ask?hook=sesame&n=2&author=ada")).headers.get("x-message-id")!,
      ];
      await otto.workOff();
      for (const id of sent) {
        for (const path of [`/api/messages/${id}`, `/messages/${id}`, `/messages/${id}/edit`]) {
          const text = await (await otto.ask(path)).text();
          assert(!text.includes("sesame"), `${path}: ${/.{0,80}sesame/.exec(text)?.[0]}`);
        }
      }
      assertEquals((await messageOf(otto, sent[2])).payload, { n: "2", author: "ada" });
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });

  it("lets strangers use up nobody's share, with a signed source", async () => {
    const otto = await open({ WEBHOOK_SECRET_SIGNED: SECRET });
    try {
      for (let n = 0; n < 5; n++) assertEquals((await post(otto, "signed", { n })).status, 401);
      const signature = async (body: string) => (await sign(SECRET, body)).replace("sha256=", "");
      const send = async (body: unknown, id: string) =>
        await post(otto, "signed", body, {
          headers: { "x-sig": await signature(JSON.stringify(body)), "x-id": id },
        });
      assertEquals((await send({ n: 1 }, "a")).status, 200);
      assertEquals((await send({ n: 2 }, "b")).status, 429);
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });

  it("behind a proxy judges the address that the proxy has seen", async () => {
    const otto = await open({ TRUST_PROXY: "1", ADMIN_TOKEN: "a token of the operator" });
    try {
      const from = "192.0.2.1";
      const through = (forwarded: string) =>
        post(otto, "near", {}, { from, headers: { "x-forwarded-for": forwarded } });
      assertEquals((await through("10.0.0.1")).status, 200);
      assertEquals((await through("10.0.0.1, 192.0.2.9")).status, 403);
      assertEquals((await through("192.0.2.9, 10.0.0.1")).status, 200);
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });
});

describe("a rate", () => {
  it("lets a burst of all of it in, and then its pace", () => {
    const limit = createRateLimit({ requests: 3, seconds: 30 });
    assertEquals([limit.wait(), limit.take(), limit.take(), limit.take(), limit.take()], [
      0,
      true,
      true,
      true,
      false,
    ]);
    assert(limit.wait() > 0 && limit.wait() <= 10);
  });
});

describe("a captured request", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await open({
      GITHUB_WEBHOOK_SECRET: SECRET,
      SHOPIFY_API_SECRET: SECRET,
      MAILGUN_WEBHOOK_SIGNING_KEY: SECRET,
      WEBHOOK_SECRET_SHOP: SECRET,
      TWILIO_AUTH_TOKEN: SECRET,
    });
  });
  afterAll(() => otto[Symbol.asyncDispose]());
  const github = async (body: string, delivery: string) =>
    await otto.send("github", body, {
      ...TYPE,
      "x-hub-signature-256": await sign(SECRET, body),
      "x-github-event": "issues",
      "x-github-delivery": delivery,
    });

  it("under another delivery id is kept, marked, and makes no second task", async () => {
    const body = '{"action":"opened","issue":{"number":1,"title":"Mine"}}';
    const first = await github(body, "d-1");
    await otto.workOff();
    const again = await github(body, "d-2");
    const [third, fourth] = [await github(body, "d-3"), await github(`${body} `, "d-4")];
    await otto.workOff();
    assert((await messageOf(otto, first)).task_id);
    for (const id of [again, third]) {
      const message = await messageOf(otto, id);
      assertEquals([message.state, message.task_id, message.verification], [
        "filtered",
        null,
        "verified",
      ]);
      assertMatch(message.reason, new RegExp(`came before, as message ${first}`));
    }
    // Other bytes that are signed are news.
    assert((await messageOf(otto, fourth)).task_id);
    const replay = await otto.post(`/api/messages/${again}/replay`, undefined, 201);
    await otto.workOff();
    assert((await messageOf(otto, replay.message_id)).task_id, "a person may have it worked");
  });

  it("of a message that failed is worked, so that nothing is lost", async () => {
    const body = '{"action":"opened","issue":{"number":2,"title":"Lost"}}';
    const first = await github(body, "d-5");
    await otto.workOff();
    // As after a third crash of its worker: it was remembered, and came to nothing.
    await otto.services.database.query(
      "lose a task",
      (sql) =>
        sql`with gone as (delete from tasks where message_id = ${first})
        update messages set state = 'failed', task_id = null where id = ${first}`,
    );
    const [again, other] = [await github(body, "d-6"), await github(body, "d-6b")];
    await otto.workOff();
    assert((await messageOf(otto, again)).task_id);
    const third = await github(body, "d-6c");
    await otto.workOff();
    for (const id of [other, third]) {
      assertMatch(
        (await messageOf(otto, id)).reason,
        new RegExp(`came before, as message ${again}`),
      );
    }
  });

  it("is one task, however many workers have it in their hands at once", async () => {
    const body = '{"action":"opened","issue":{"number":3,"title":"Twice"}}';
    const ids = await Promise.all(["d-7", "d-8", "d-9"].map((id) => github(body, id)));
    const signal = new AbortController().signal;
    const workers = [1, 2, 3].map(() => createWorker(otto.services));
    await Promise.all(workers.map((worker) => worker.takeMessages(0, signal)));
    const states = await Promise.all(ids.map(async (id) => (await messageOf(otto, id)).state));
    assertEquals(states.sort(), ["filtered", "filtered", "processed"]);
  });

  it("is known by the id that its vendor signs, where the file names another", async () => {
    const stripe = new Stripe("sk_test_unused");
    const shop = async (payload: string, request: string) =>
      await otto.send("shop", payload, {
        ...TYPE,
        "x-request-id": request,
        "stripe-signature": await stripe.webhooks.generateTestHeaderStringAsync({
          payload,
          secret: SECRET,
        }),
      });
    const event = (id: string) => JSON.stringify({ id, object: "event", type: "invoice.paid" });
    const first = await shop(event("evt_1"), "r-1");
    const [forged, news] = [await shop(event("evt_1"), "r-2"), await shop(event("evt_2"), "r-3")];
    await otto.workOff();
    assert((await messageOf(otto, first)).task_id);
    assertEquals((await messageOf(otto, first)).delivery_id, "r-1");
    assertEquals((await messageOf(otto, forged)).state, "filtered");
    assert((await messageOf(otto, news)).task_id);
  });

  it("is known by what is signed, not by how it is written", async () => {
    const { getExpectedTwilioSignature } = (await import("twilio")).default;
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const fields = { From: "+15005550006", Body: "hello", AccountSid: "AC1" };
    const signature = getExpectedTwilioSignature(
      SECRET,
      "http://localhost:8000/webhook/twilio",
      fields,
    );
    const send = (body: string, token: string) =>
      otto.send("twilio", body, {
        ...form,
        "x-twilio-signature": signature,
        "i-twilio-idempotency-token": token,
      });
    const first = await send(new URLSearchParams(fields).toString(), "t-1");
    const forged = [
      await send("Body=hello&AccountSid=AC1&From=%2B15005550006", "t-2"),
      await send("Body=hell%6F&&From=%2B15005550006&AccountSid=AC1", "t-3"),
    ];
    await otto.workOff();
    assert((await messageOf(otto, first)).task_id);
    for (const id of forged) assertEquals((await messageOf(otto, id)).state, "filtered");
  });

  it("is told from the same order under another topic, and by Mailgun's token", async () => {
    const { createHmac } = await import("node:crypto");
    const order = '{"id":1001,"name":"#1001"}';
    const shopify = async (topic: string, id: string) =>
      await otto.send("shopify", order, {
        ...TYPE,
        "x-shopify-hmac-sha256": createHmac("sha256", SECRET).update(order).digest("base64"),
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": id,
      });
    const [create, paid, forged] = [
      await shopify("orders/create", "w-1"),
      await shopify("orders/paid", "w-2"),
      await shopify("orders/paid", "w-3"),
    ];
    const signature = {
      timestamp: "1700000000",
      token: "t".repeat(50),
      signature: createHmac("sha256", SECRET).update(`1700000000${"t".repeat(50)}`).digest("hex"),
    };
    const mailgun = (id: string) =>
      otto.send(
        "mailgun",
        JSON.stringify({ signature, "event-data": { id, event: "failed" } }),
        TYPE,
      );
    const [mail, invented] = [await mailgun("e-1"), await mailgun("e-2")];
    // The captured one moved to where a subaccount's would be, beside one of the forger's own.
    const moved = await otto.send(
      "mailgun",
      JSON.stringify({
        signature: { ...signature, token: "u".repeat(50) },
        "parent-signature": signature,
        "event-data": { id: "e-3", event: "failed" },
      }),
      TYPE,
    );
    await otto.workOff();
    for (const id of [create, paid, mail]) assert((await messageOf(otto, id)).task_id, id);
    for (const id of [forged, invented, moved]) {
      assertEquals((await messageOf(otto, id)).state, "filtered");
    }
  });
});

describe("a replay", () => {
  it("verifies the kept bytes again, by today's secrets", async () => {
    await using data = await keptFolder();
    const send = async (otto: Otto, signature: string) =>
      await otto.send("github", "{}", {
        ...TYPE,
        "x-github-event": "ping",
        "x-hub-signature-256": signature,
      });
    let otto = await open({ OTTO_DATA_DIR: data.path });
    const forged = await send(otto, await sign("a forger's", "{}"));
    const right = await send(otto, await sign(SECRET, "{}"));
    await otto[Symbol.asyncDispose]();
    otto = await open({ OTTO_DATA_DIR: data.path, GITHUB_WEBHOOK_SECRET: SECRET });
    try {
      assertEquals((await messageOf(otto, right)).verification, "unverified");
      const refused = await otto.post(`/api/messages/${forged}/replay`, undefined, 409);
      assertEquals(refused.error.code, "signature_mismatch");
      const made = await otto.post("/api/messages/replay", { ids: [forged, right] }, 201);
      assertEquals(made.refused.map((each: { message_id: string }) => each.message_id), [forged]);
      assertEquals(made.items[0].replay_of, right);
      const replayed = await messageOf(otto, made.items[0].message_id);
      assertEquals(replayed.verification, "verified");
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });
});

async function untilWaiting({ services: { database } }: Otto, statements: number): Promise<void> {
  await until(async () => {
    const [{ waiting }] = await database.query("see who waits", (sql) =>
      sql<{ waiting: number }[]>`
        select count(*)::int as waiting from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`);
    return waiting >= statements;
  }, { what: `${statements} statements to wait for a lock` });
}

describeWith({ postgres: true }, "a burst, with PostgreSQL", (servers) => {
  const opened: Otto[] = [];
  let url: string;
  const openBurst = async () => {
    const otto = await open({ DATABASE_URL: url });
    opened.push(otto);
    return otto;
  };
  beforeAll(async () => {
    url = await servers.postgres.createDatabase();
  });
  afterAll(async () => {
    for (const otto of opened) await otto[Symbol.asyncDispose]();
  });
  const push = (otto: Otto, pr: number, n: number, type = "burst") =>
    otto.send(type, JSON.stringify({ pr, n }), TYPE);

  it("of five makes one task that lists them, though the worker that took them is gone", async () => {
    const [one, other] = [await openBurst(), await openBurst()];
    const ids: string[] = [];
    for (let n = 1; n <= 5; n++) ids.push(await push(one, 7, n));
    const alone = await push(one, 8, 1);
    const signal = new AbortController().signal;
    // Taken by a worker that never comes back: nobody gives anything back for it.
    assertEquals(await createWorker(one.services).takeMessages(0, signal), 6);
    const waiting = await messageOf(one, ids[0]);
    assertEquals(waiting.state, "new");
    assertMatch(waiting.reason, /^Waits until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC for more/);
    const late = await push(one, 7, 6);
    const workers = [createWorker(one.services), createWorker(other.services)];
    await workers[1].takeMessages(0, signal);
    // Both at once, again and again: each burst is one task.
    await until(async () => {
      await Promise.all(workers.map((worker) => worker.takeGroups()));
      return (await tasksOf(other)).length === 2;
    }, { what: "both bursts to be settled" });
    await other.workOff();
    const tasks = await tasksOf(other);
    assertEquals(tasks.length, 2);
    const merged = tasks.find((task: { message_id: string }) => task.message_id === ids[0]);
    assertEquals([merged.title, merged.status], ["6 events: first Push 1", "completed"]);
    const whole = await other.get(`/api/tasks/${merged.id}`);
    const [created] = whole.events;
    assertEquals(created.data.messages, 6);
    assertEquals(
      created.data.merged.map((each: { message_id: string }) => each.message_id),
      [...ids, late],
    );
    assertMatch(merged.result.text, /All 6 messages:\n\n1\. Push 1\n2\. Push 2/);
    for (const id of [...ids, late]) {
      const message = await messageOf(other, id);
      assertEquals([message.state, message.task_id], ["processed", merged.id]);
    }
    const single = await messageOf(other, alone);
    assertEquals([single.reason, single.title], [null, "Push 1"]);
  });

  it("that is over is followed by another", async () => {
    const otto = await openBurst();
    const [first] = await Promise.all([push(otto, 9, 1, "quick"), push(otto, 9, 2, "quick")]);
    const settled = () =>
      until(async () => {
        await otto.workOff();
        return (await messageOf(otto, first)).state === "processed";
      }, { what: "the burst to be settled" });
    await settled();
    const next = await push(otto, 9, 3, "quick");
    await until(async () => {
      await otto.workOff();
      return (await messageOf(otto, next)).state === "processed";
    }, { what: "the next burst to be settled" });
    assert((await messageOf(otto, first)).task_id !== (await messageOf(otto, next)).task_id);
  });

  it("that loses a message while it is settled is settled without it", async () => {
    const otto = await openBurst();
    const { database } = otto.services;
    const ids: string[] = [];
    for (let n = 1; n <= 3; n++) ids.push(await push(otto, 10, n, "quick"));
    await createWorker(otto.services).takeMessages(0, new AbortController().signal);
    await database.query("make the burst due", (sql) => sql`update bursts set due_at = now()`);
    // Deleted, and not yet for the others to see, when the burst is settled.
    const deletion = postgres(url, { max: 1 });
    const settled = await deletion.begin(async (sql) => {
      await sql`delete from messages where id = ${ids[0]}`;
      const settling = createWorker(otto.services).takeGroups();
      await untilWaiting(otto, 1);
      return { settling };
    });
    await settled.settling;
    await deletion.end();
    await until(async () => {
      await otto.workOff();
      return (await messageOf(otto, ids[1])).state === "processed";
    }, { what: "the rest to be settled" });
    const { task_id } = await messageOf(otto, ids[1]);
    const task = await otto.get(`/api/tasks/${task_id}`);
    assertEquals([task.title, task.message_id], ["2 events: first Push 2", ids[1]]);
  });

  it("that is settled while a message of it is deleted goes with it all the same", async () => {
    const otto = await openBurst();
    const ids = [await push(otto, 12, 1, "quick"), await push(otto, 12, 2, "quick")];
    await createWorker(otto.services).takeMessages(0, new AbortController().signal);
    await otto.services.database.query(
      "make the burst due",
      (sql) => sql`update bursts set due_at = now()`,
    );
    const holder = postgres(url, { max: 1 });
    // Both wait: the settling first, then the deletion, which has seen no task yet.
    const begun = await holder.begin(async (sql) => {
      await sql`select from messages where id = ${ids[0]} for update`;
      const settling = createWorker(otto.services).takeGroups();
      await untilWaiting(otto, 1);
      const deletion = otto.ask(`/api/messages/${ids[0]}`, { method: "DELETE" });
      await untilWaiting(otto, 2);
      return { settling, deletion };
    });
    await begun.settling;
    assertEquals((await begun.deletion).status, 204);
    await holder.end();
    const left = await messageOf(otto, ids[1]);
    assertEquals([left.state, left.task_id], ["processed", null]);
    assertMatch(left.reason, new RegExp(`went with message ${ids[0]}`));
  });

  it("goes with any of its messages when that is deleted, and the others stay", async () => {
    const otto = await openBurst();
    const ids = [await push(otto, 11, 1, "quick"), await push(otto, 11, 2, "quick")];
    await until(async () => {
      await otto.workOff();
      return (await messageOf(otto, ids[1])).state === "processed";
    }, { what: "the burst to be settled" });
    const { task_id } = await messageOf(otto, ids[0]);
    assertEquals((await otto.ask(`/api/messages/${ids[0]}`, { method: "DELETE" })).status, 204);
    assertEquals((await otto.ask(`/api/tasks/${task_id}`)).status, 404);
    const left = await messageOf(otto, ids[1]);
    assertEquals([left.state, left.task_id], ["processed", null]);
    assertMatch(left.reason, new RegExp(`went with message ${ids[0]}`));
  });

  it("is not shared by messages that are trusted differently", async () => {
    const otto = await open({ DATABASE_URL: url, WEBHOOK_SECRET_SIGNED: SECRET });
    opened.push(otto);
    const key = { source: "s", webhookType: "s", fromHere: false, key: "k" };
    assert(
      groupKey({ ...key, verification: "verified" }) !==
        groupKey({ ...key, verification: "unverified" }),
    );
  });

  it("is not merged by a worker with other rules, and the health says so", async () => {
    const one = await openBurst();
    const stranger = await openOtto({ DATABASE_URL: url });
    opened.push(stranger);
    const rules = async () =>
      (await checkHealth(one.services)).checks.find(({ name }) => name === "rules");
    await createWorker(one.services).beat();
    assertEquals(await rules(), undefined);
    await createWorker(stranger.services).beat();
    assertEquals((await rules())?.status, "degraded");
  });

  it("is paused by one process and refused by the other", async () => {
    const [one, other] = [await openBurst(), await openBurst()];
    await one.post("/api/sources/quick/pause");
    await until(async () => (await post(other, "quick", {})).status === 503, {
      what: "the other process to hear of the pause",
    });
    await other.post("/api/sources/quick/resume");
    await until(async () => (await post(one, "quick", {})).status === 200, {
      what: "the first process to hear of it",
    });
  });
});

describe("a burst, embedded", () => {
  it("is one task, and tells nobody's statistics that it was slow", async () => {
    const otto = await open();
    try {
      const ids: string[] = [];
      for (const n of [1, 2]) ids.push(await otto.send("quick", `{"pr":1,"n":${n}}`, TYPE));
      await until(async () => {
        await otto.workOff();
        return (await messageOf(otto, ids[1])).state === "processed";
      }, { what: "the burst to be settled" });
      const [task, ...more] = await tasksOf(otto);
      assertEquals([task.title, more.length], ["2 events: first Push 1", 0]);
      const stats = await otto.get("/webhook/stats");
      assertEquals([stats.queue.held, stats.queue.depth, stats.stages.task.p50_ms], [0, 0, null]);
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });
});

async function keptFolder() {
  const path = await mkdtemp(join(tmpdir(), "otto-kept-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

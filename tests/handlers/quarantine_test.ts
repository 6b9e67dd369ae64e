import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { sign } from "@octokit/webhooks-methods";
import Stripe from "stripe";
import twilio from "twilio";
import { newId } from "../../lib/store/id.ts";
import { storeRejected, trimQuarantine } from "../../lib/message/quarantine.ts";
import { createWorker } from "../../lib/work/work.ts";
import { json, JSON_TYPE, openOtto, type Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const SECRETS = {
  ADMIN_TOKEN,
  GITHUB_WEBHOOK_SECRET: "the secret of github",
  STRIPE_WEBHOOK_SECRET: "whsec_the secret of stripe",
  TWILIO_AUTH_TOKEN: "the token of twilio",
  SLACK_SIGNING_SECRET: "the secret of slack",
  RETIRED_WEBHOOK_SECRETS: "the secret of last year",
  PUBLIC_URL: "https://otto.example.com",
};
const BODY = '{"zen":"Keep it /simple/ – ü","n":[1,2],"a":{"b":null}}';

const asAdmin = (otto: Otto) => async (path: string, method = "GET") =>
  await otto.ask(path, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });

type Sent = { type: string; body: BodyInit; headers: Record<string, string> };

/** Sends what is refused until it is kept: of a flood only a few are. Returns the kept message. */
async function reject(otto: Otto, { type, body, headers }: Sent) {
  const list = async () => (await json(await asAdmin(otto)("/api/messages?state=rejected"))).items;
  const before = new Set((await list()).map((each: { message_id: string }) => each.message_id));
  return await until(async () => {
    const answer = await otto.ask(`/webhook/${type}`, {
      method: "POST",
      body,
      headers: { ...JSON_TYPE, ...headers },
    });
    await json(answer, 401);
    await otto.services.quarantine.idle();
    return (await list()).find((each: { message_id: string }) => !before.has(each.message_id));
  }, { what: "a rejected message to be kept", timeoutMs: 20_000 });
}

const github = async (secret: string, body = BODY, signed = body): Promise<Sent> => ({
  type: "github",
  body,
  headers: { "x-hub-signature-256": await sign(secret, signed), "x-github-event": "ping" },
});

describe("a refused webhook", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openOtto(SECRETS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("is kept byte for byte, shown with its reason, counted, and never worked", async () => {
    const kept = await reject(otto, await github("somebody else's secret"));
    await otto.workOff();
    const path = `/api/messages/${kept.message_id}`;
    const message = await json(await asAdmin(otto)(path));
    assertEquals([message.state, message.verification, message.task_id], [
      "rejected",
      "rejected",
      null,
    ]);
    assertEquals(message.payload, JSON.parse(BODY));
    assertEquals(message.headers["x-hub-signature-256"], "•••");
    assertMatch(message.reason, /fits no secret that is set.*GITHUB_WEBHOOK_SECRET/);
    assertEquals(await (await asAdmin(otto)(`${path}/body`)).text(), BODY);
    const stats = await json(await asAdmin(otto)("/webhook/stats"));
    assert(stats.messages.rejected >= 1);
    assertEquals(stats.messages.processed, 0);
    await json(await asAdmin(otto)(`${path}/replay`, "POST"), 409);
  });

  const reasons: [what: string, sent: () => Promise<Sent>, reason: RegExp][] = [
    [
      "with a secret that was retired",
      () => github("the secret of last year"),
      /RETIRED_WEBHOOK_SECRETS.*previous/,
    ],
    [
      "with another source's secret",
      () => github(SECRETS.STRIPE_WEBHOOK_SECRET),
      /fits the secret in STRIPE_WEBHOOK_SECRET/,
    ],
    [
      "with the secret and a line break",
      () => github(`${SECRETS.GITHUB_WEBHOOK_SECRET}\n`),
      /GITHUB_WEBHOOK_SECRET with a line break at its end/,
    ],
    [
      "whose JSON a proxy wrote over several lines",
      () => github(SECRETS.GITHUB_WEBHOOK_SECRET, JSON.stringify(JSON.parse(BODY), null, 2), BODY),
      /its JSON written without spaces.*unchanged/,
    ],
    [
      "whose spaces a proxy took",
      // As `json.dumps` of Python 3 writes it.
      () =>
        github(
          SECRETS.GITHUB_WEBHOOK_SECRET,
          BODY,
          '{"zen": "Keep it /simple/ \\u2013 \\u00fc", "n": [1, 2], "a": {"b": null}}',
        ),
      /as Python writes it/,
    ],
    [
      "without the header",
      () => Promise.resolve({ type: "github", body: BODY, headers: {} }),
      /no X-Hub-Signature-256 header.*GITHUB_WEBHOOK_SECRET/,
    ],
    [
      "of another sender",
      async () => {
        const header = await Stripe.webhooks.generateTestHeaderStringAsync({
          payload: BODY,
          secret: SECRETS.STRIPE_WEBHOOK_SECRET,
        });
        return { type: "github", body: BODY, headers: { "stripe-signature": header } };
      },
      /signed as Stripe signs.*\/webhook\/stripe/,
    ],
    [
      "from a clock that is an hour fast",
      async () => {
        const header = await Stripe.webhooks.generateTestHeaderStringAsync({
          payload: BODY,
          secret: SECRETS.STRIPE_WEBHOOK_SECRET,
          timestamp: Math.floor(Date.now() / 1000) + 3_600,
        });
        return { type: "stripe", body: BODY, headers: { "stripe-signature": header } };
      },
      /it is 3(600|599|598|59\d) s in the future.*signature itself is right.*clock/,
    ],
    [
      "signed over another address than PUBLIC_URL",
      () => {
        const fields = { MessageSid: "SM1", Body: "hi" };
        const url = "https://old.example.com/webhook/twilio";
        return Promise.resolve({
          type: "twilio",
          body: new URLSearchParams(fields).toString(),
          headers: {
            "content-type": "application/x-www-form-urlencoded",
            "x-forwarded-host": "old.example.com",
            "x-twilio-signature": twilio.getExpectedTwilioSignature(
              SECRETS.TWILIO_AUTH_TOKEN,
              url,
              fields,
            ),
          },
        });
      },
      /fits the URL https:\/\/old\.example\.com\/webhook\/twilio: set PUBLIC_URL=https:\/\/old\.example\.com/,
    ],
  ];
  for (const [what, sent, reason] of reasons) {
    it(`${what} says so, and shows no secret`, async () => {
      const kept = await reject(otto, await sent());
      assertMatch(kept.reason, reason);
      assert(!/[\r\n]/.test(kept.reason) && kept.reason.length <= 600);
      for (const secret of Object.values(SECRETS)) {
        if (secret !== SECRETS.PUBLIC_URL) assert(!kept.reason.includes(secret), kept.reason);
      }
    });
  }

  it("tells the sender nothing of it", async () => {
    const { body, headers } = await github("the secret of last year");
    const { error } = await json(
      await otto.ask("/webhook/github", { method: "POST", body, headers }),
      401,
    );
    assertEquals(error.code, "signature_mismatch");
    assert(!JSON.stringify(error).includes("RETIRED"));
  });

  it("that is large is kept by its head alone, and cannot be released", async () => {
    const body = " ".repeat(256 * 1024 + 1);
    const kept = await reject(otto, await github("somebody else's secret", body));
    assertEquals(kept.size, body.length);
    assertStringIncludes(kept.reason, "too large");
    const whole = await json(await asAdmin(otto)(`/api/messages/${kept.message_id}`));
    assertEquals([whole.payload, typeof whole.payload_left_out], [null, "string"]);
    const path = `/api/messages/${kept.message_id}/release`;
    const { error } = await json(await asAdmin(otto)(path, "POST"), 409);
    assertEquals(error.code, "body_not_kept");
  });

  it("for which no secret was set yet is kept, and says what to set", async () => {
    const bare = await openOtto({ ADMIN_TOKEN, WEBHOOK_REQUIRE_VERIFIED: "true" });
    try {
      for (const [type, variable] of [["slack", "SLACK_SIGNING"], ["github", "GITHUB_WEBHOOK"]]) {
        const { reason, state } = await reject(bare, { type, body: "{}", headers: {} });
        assertEquals(state, "rejected");
        assertStringIncludes(reason, `Set ${variable}_SECRET`);
      }
    } finally {
      await bare[Symbol.asyncDispose]();
    }
  });

  it("whose time alone was wrong can be let in by a person, unverified", async () => {
    const body = '{"id":"evt_late","type":"invoice.paid","object":"event"}';
    const late = await Stripe.webhooks.generateTestHeaderStringAsync({
      payload: body,
      secret: SECRETS.STRIPE_WEBHOOK_SECRET,
      timestamp: Math.floor(Date.now() / 1000) - 4_000,
    });
    const kept = await reject(otto, {
      type: "stripe",
      body,
      headers: { "stripe-signature": late },
    });
    assertMatch(kept.reason, /clock/);
    const released = await json(
      await asAdmin(otto)(`/api/messages/${kept.message_id}/release`, "POST"),
    );
    assertEquals(released.verification, "unverified");
  });

  it("is one of few that are kept when hundreds come at once, all answered 401", async () => {
    const flooded = await openOtto(SECRETS);
    try {
      const statuses = await Promise.all(Array.from({ length: 300 }, async (_, n) => {
        const answer = await flooded.ask("/webhook/github", {
          method: "POST",
          // What would be hardest to write anew.
          body: "[".repeat(10_000) + n,
          headers: { ...JSON_TYPE, "x-hub-signature-256": `sha256=${"0".repeat(64)}` },
        });
        await answer.body?.cancel();
        return answer.status;
      }));
      assertEquals(new Set(statuses), new Set([401]));
      await flooded.services.quarantine.idle();
      const { items } = await json(await asAdmin(flooded)("/api/messages?limit=200"));
      assert(items.length >= 1 && items.length <= 100, `${items.length} kept`);
    } finally {
      await flooded[Symbol.asyncDispose]();
    }
  });
});

function releaseSuite(name: string, env: () => Promise<Record<string, string>>) {
  describe(name, () => {
    let otto: Otto;
    const kept: string[] = [];
    const at = Math.floor(Date.now() / 1000);
    const sent = async (n: number): Promise<Sent & { body: string }> => {
      const body = JSON.stringify({ id: `evt_${n}`, type: "invoice.paid" });
      const header = await Stripe.webhooks.generateTestHeaderStringAsync({
        payload: body,
        secret: "whsec_the new one",
        timestamp: at,
      });
      return { type: "stripe", body, headers: { ...JSON_TYPE, "stripe-signature": header } };
    };
    const release = async (id: string, status: number) =>
      await json(await asAdmin(otto)(`/api/messages/${id}/release`, "POST"), status);

    beforeAll(async () => {
      const store = { ...SECRETS, ...await env() };
      otto = await openOtto(store);
      for (const n of [1, 2, 3, 4]) kept.push((await reject(otto, await sent(n))).message_id);
      const { error } = await release(kept[0], 409);
      assertEquals(error.code, "signature_mismatch");
      assertStringIncludes(error.message, "STRIPE_WEBHOOK_SECRET");
      await otto[Symbol.asyncDispose]();
      // The operator has set the secret right.
      otto = await openOtto({ ...store, STRIPE_WEBHOOK_SECRET: "whsec_the new one" });
    });
    afterAll(() => otto[Symbol.asyncDispose]());

    it("becomes a message and a task, and the sender's next attempt is a repeat", async () => {
      const [id] = kept;
      assertEquals(await release(id, 200), {
        message_id: id,
        state: "new",
        verification: "verified",
      });
      await otto.workOff();
      const message = await json(await asAdmin(otto)(`/api/messages/${id}`));
      assertEquals([message.state, message.verification, message.reason], [
        "processed",
        "verified",
        null,
      ]);
      assert(message.task_id);
      const { body, headers, type } = await sent(1);
      assertEquals(await otto.send(type, body, headers), id);
      assertEquals((await release(id, 409)).error.code, "not_rejected");
    });

    it("is let in from its page, too", async () => {
      const path = `/messages/${kept[3]}`;
      const page = await (await asAdmin(otto)(path)).text();
      assertStringIncludes(page, `action="${path}/release"`);
      const answer = await asAdmin(otto)(`${path}/release`, "POST");
      assertEquals([answer.status, answer.headers.get("location")], [303, path]);
      const again = await asAdmin(otto)(`${path}/release`, "POST");
      assertEquals(again.status, 409);
      await again.body?.cancel();
    });

    it("that was accepted meanwhile is not accepted twice", async () => {
      const { type, body, headers } = await sent(2);
      const first = await otto.send(type, body, headers);
      const { error } = await release(kept[1], 409);
      assertEquals(error.code, "already_received");
      assertStringIncludes(error.message, first);
    });

    it("by three at once is one message", async () => {
      const answers = await Promise.all(
        [1, 2, 3].map(() => asAdmin(otto)(`/api/messages/${kept[2]}/release`, "POST")),
      );
      assertEquals(answers.map(({ status }) => status).sort(), [200, 409, 409]);
      await Promise.all(answers.map((answer) => answer.body?.cancel()));
    });
  });
}

releaseSuite("a rejected message that is released (embedded)", async () => ({
  OTTO_DATA_DIR: await Deno.makeTempDir({ prefix: "otto-quarantine-" }),
}));
trimSuite("embedded", () => Promise.resolve({}));

describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  const postgres = async () => ({ DATABASE_URL: await servers.postgres.createDatabase() });
  releaseSuite("a rejected message that is released (PostgreSQL)", postgres);
  trimSuite("PostgreSQL", postgres);
});

describe("a rejected message", () => {
  it("of no id, or a made-up one, is 400 and 404", async () => {
    const otto = await openOtto(SECRETS);
    try {
      await json(await asAdmin(otto)("/api/messages/x/release", "POST"), 400);
      await json(await asAdmin(otto)(`/api/messages/${newId()}/release`, "POST"), 404);
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });
});

function trimSuite(name: string, env: () => Promise<Record<string, string>>) {
  describe(`the quarantine (${name})`, () => {
    it("keeps the newest, in number, bytes and days, and nothing else is touched", async () => {
      const otto = await openOtto({ ...SECRETS, ...await env() });
      const { database } = otto.services;
      try {
        const accepted = await otto.send("demo", "{}");
        const keep = (id: string, size: number, source = "github") =>
          storeRejected(database, {
            id,
            webhookType: source,
            source,
            envelope: { url: "http://a/", client_ip: "::1", delivery_id: null, headers: [] },
            body: new Uint8Array(size).fill(0x61),
            size,
            receivedAt: new Date(),
          }, "a reason");
        const left = async () =>
          (await json(await asAdmin(otto)("/api/messages?state=rejected"))).items
            .map((each: { message_id: string }) => each.message_id);
        const ids = Array.from({ length: 6 }, newId);
        for (const id of ids) await keep(id, 1_000);
        assertEquals(await trimQuarantine(database, { messages: 4, bytes: 1e9 }), 2);
        assertEquals(await left(), ids.slice(2).reverse());
        assertEquals(await trimQuarantine(database, { messages: 9, bytes: 2_500 }), 2);
        assertEquals(await left(), ids.slice(4).reverse());
        // A flood of one source drives out its own, not the only one of another.
        const lone = newId();
        await keep(lone, 1, "stripe");
        const flood = Array.from({ length: 4 }, newId);
        for (const id of flood) await keep(id, 1);
        assertEquals(await trimQuarantine(database, { messages: 3, bytes: 1e9 }), 4);
        assertEquals(await left(), [flood[3], flood[2], lone]);
        // An id says nothing of its age, only when it was stored does: this one weeks ago.
        const old = newId();
        await keep(old, 1);
        await database.query(
          "age it",
          (sql) =>
            sql`update messages set stored_at = now() - interval '15 days' where id = ${old}`,
        );
        await createWorker(otto.services).tidy();
        assertEquals(await left(), [flood[3], flood[2], lone]);
        await json(await asAdmin(otto)(`/api/messages/${accepted}`));
      } finally {
        await otto[Symbol.asyncDispose]();
      }
    });
  });
}

import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { createHmac, generateKeyPairSync, sign as signWithKey } from "node:crypto";
import { sources } from "../../sources/mod.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { hostileRequests } from "../sources/request.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const DISCORD_KEY = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
const ORIGIN = "https://otto.example.com";
const SECRETS: Record<string, string> = {
  ASANA_WEBHOOK_SECRET: "the secret of asana",
  DISCORD_PUBLIC_KEY: DISCORD_KEY,
  HUBSPOT_CLIENT_SECRET: "the secret of hubspot",
  LINEAR_WEBHOOK_SECRET: "the secret of linear",
  META_APP_SECRET: "the secret of meta",
  META_VERIFY_TOKEN: "a token of ours",
  NOTION_WEBHOOK_SECRET: "the secret of notion",
  SQUARE_WEBHOOK_SIGNATURE_KEY: "the secret of square",
  TRELLO_APP_SECRET: "the secret of trello",
  TWITCH_WEBHOOK_SECRET: "the secret of twitch",
  X_CONSUMER_SECRET: "the secret of x",
  ZOOM_WEBHOOK_SECRET_TOKEN: "an older secret,the secret of zoom",
  WEBHOOK_SECRET_GITLAB: "the token of gitlab",
  PUBLIC_URL: ORIGIN,
  ADMIN_TOKEN: "a token of the operator's own",
};
const ADMIN = { authorization: `Bearer ${SECRETS.ADMIN_TOKEN}` };
const PLAIN = /^text\/plain/;

let otto: Otto;
const log: string[] = [];

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  otto.ask(`/webhook/${path}`, { method: "POST", body, headers });
const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  otto.ask(`/webhook/${path}`, { method, headers });

/** How many messages were taken until now; what was refused is in quarantine. */
async function kept(): Promise<number> {
  const [{ count }] = await otto.services.database.query(
    "count the messages",
    (sql) =>
      sql<{ count: number }[]>`
        select count(*)::int as count from messages where state <> 'rejected'`,
  );
  return count;
}

/** Posts a body as this source's vendor would, to the URL that it has on file. */
async function postSigned(
  name: keyof typeof sources,
  secret: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const source: Source = sources[name];
  const text = JSON.stringify(body);
  const incoming: Incoming = {
    type: name,
    method: "POST",
    url: `${ORIGIN}/webhook/${name}`,
    headers: new Headers(headers),
    body: new TextEncoder().encode(text),
    queryForm: undefined,
    receivedAt: Date.now(),
  };
  return await post(name, text, { ...headers, ...await source.sign!(incoming, secret) });
}

function postDiscord(body: unknown, at = Math.floor(Date.now() / 1000)): Promise<Response> {
  const text = JSON.stringify(body);
  const signature = signWithKey(null, new TextEncoder().encode(`${at}${text}`), privateKey);
  return post("discord", text, {
    "x-signature-timestamp": String(at),
    "x-signature-ed25519": signature.toString("hex"),
  });
}

describe("a known sender's webhook", () => {
  beforeAll(async () => {
    otto = await openOtto({ ...SECRETS, LOG_LEVEL: "warn" }, { write: (line) => log.push(line) });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  describe("a handshake", () => {
    it("of Meta is answered to whoever knows our verify token, and to nobody else", async () => {
      const ask = (token: string, challenge = "1158201444") =>
        get(`meta?${new URLSearchParams({
          "hub.mode": "subscribe",
          "hub.verify_token": token,
          "hub.challenge": challenge,
        })}`);
      const answer = await ask("a token of ours");
      assertEquals([answer.status, await answer.text()], [200, "1158201444"]);
      assertMatch(answer.headers.get("content-type")!, PLAIN);
      for (const token of ["", "another", "the secret of meta"]) {
        assertEquals((await ask(token)).status, 403);
      }
      assertEquals((await ask("a token of ours", "<script>")).status, 400);
      await using bare = await openOtto();
      const nobody = await bare.ask(
        "/webhook/meta?hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
      );
      assertEquals(nobody.status, 403);
    });

    it("of Zoom is answered with the secret that signed it, and not before it was checked", async () => {
      const body = { event: "endpoint.url_validation", payload: { plainToken: "qgg8vlvZRS" } };
      for (const secret of ["an older secret", "the secret of zoom"]) {
        assertEquals(await json(await postSigned("zoom", secret, body)), {
          plainToken: "qgg8vlvZRS",
          encryptedToken: createHmac("sha256", secret).update("qgg8vlvZRS").digest("hex"),
        });
      }
      const unsigned = await post("zoom", JSON.stringify(body));
      assert(!(await unsigned.clone().text()).includes("qgg8vlvZRS"));
      assertEquals((await json(unsigned, 401)).error.code, "signature_missing");
    });

    it("that is signed gives nothing back while there is no secret to check it with", async () => {
      await using bare = await openOtto();
      for (
        const [type, body, headers] of [
          ["zoom", { event: "endpoint.url_validation", payload: { plainToken: "pogchamp" } }, {}],
          ["twitch", { challenge: "pogchamp" }, {
            "twitch-eventsub-message-type": "webhook_callback_verification",
          }],
          ["discord", { type: 1 }, {}],
          ["slack", { type: "url_verification", challenge: "pogchamp" }, {}],
        ] as const
      ) {
        const answer = await bare.ask(`/webhook/${type}`, {
          method: "POST",
          body: JSON.stringify(body),
          headers,
        });
        assert(!(await answer.clone().text()).includes("pogchamp"), type);
        assertEquals((await json(answer, 401)).error.code, "secret_not_configured", type);
      }
    });

    it("of Discord is a pong, and 401 when the signature is bad, as its probes are", async () => {
      const before = await kept();
      assertEquals(await json(await postDiscord({ type: 1 })), { type: 1 });
      const event = await postDiscord({ version: 1, application_id: "1", type: 0 });
      assertEquals(event.status, 204);
      assertEquals(event.headers.get("content-type"), "application/json");
      const typing = await json(await postDiscord({ id: "1", type: 4, data: { name: "otto" } }));
      assertEquals(typing, { type: 8, data: { choices: [] } });
      const bad = await post("discord", `{"type":1}`, {
        "x-signature-timestamp": String(Math.floor(Date.now() / 1000)),
        "x-signature-ed25519": "0".repeat(128),
      });
      assertEquals((await json(bad, 401)).error.code, "signature_mismatch");
      assertEquals(
        (await json(await postDiscord({ type: 1 }, 1_700_000_000), 401)).error.code,
        "timestamp_outside_window",
      );
      assertEquals(await kept(), before);
    });

    it("of Twitch is its challenge, after the signature", async () => {
      const headers = { "twitch-eventsub-message-type": "webhook_callback_verification" };
      const body = { challenge: "pogchamp-kappa-360noscope" };
      const answer = await postSigned("twitch", "the secret of twitch", body, headers);
      assertEquals([answer.status, await answer.text()], [200, body.challenge]);
      assertMatch(answer.headers.get("content-type")!, PLAIN);
      assertEquals((await post("twitch", JSON.stringify(body), headers)).status, 401);
    });

    it("of Microsoft Graph is its token as it was, in plain text that no browser takes for a page", async () => {
      const token =
        "Validation: Testing client application reachability for subscription Request-Id: 1";
      const answer = await post(`msgraph?validationToken=${encodeURIComponent(token)}`, "", {
        "content-type": "text/plain",
      });
      assertEquals([answer.status, await answer.text()], [200, token]);
      assertMatch(answer.headers.get("content-type")!, PLAIN);
      assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
      const odd = await post("msgraph?validationToken=a%0d%0ab", "");
      assertEquals(odd.status, 400);
      await odd.body?.cancel();
    });

    it("of Dropbox, Okta, Intercom, Trello and CloudEvents is what each of them wants", async () => {
      const dropbox = await get("dropbox?challenge=abc123");
      assertEquals([dropbox.status, await dropbox.text()], [200, "abc123"]);
      assertEquals(dropbox.headers.get("x-content-type-options"), "nosniff");
      assertEquals((await get("dropbox?challenge=%3Cscript%3E")).status, 400);
      assertEquals(
        await json(await get("okta", { "x-okta-verification-challenge": 'My "challenge"' })),
        { verification: 'My "challenge"' },
      );
      for (const type of ["intercom", "trello"]) {
        assertEquals((await get(type, {}, "HEAD")).status, 200);
        assertEquals((await get(type)).status, 405);
      }
      const events = await get("cloudevents", {
        "webhook-request-origin": "eventemitter.example.com",
        "webhook-request-rate": "120",
      }, "OPTIONS");
      assertEquals(events.status, 200);
      assertEquals(events.headers.get("webhook-allowed-origin"), "eventemitter.example.com");
      assertEquals(events.headers.get("webhook-allowed-rate"), "*");
      assertEquals(events.headers.get("allow"), "POST");
      assertEquals((await get("cloudevents", {}, "OPTIONS")).status, 405);
    });

    it("of Azure Event Grid is its code, in the words it wants", async () => {
      const validation = (validationCode: unknown) =>
        post(
          "eventgrid",
          JSON.stringify([{
            id: "1",
            eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
            data: { validationCode },
          }]),
        );
      const before = await kept();
      const code = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6";
      assertEquals(await json(await validation(code)), { validationResponse: code });
      assertEquals((await validation("<script>")).status, 400);
      assertEquals(await kept(), before);
    });

    it("of X never signs what could be the body of an event", async () => {
      const crc = await json(await get("x?crc_token=challenge_string"));
      const signature = createHmac("sha256", "the secret of x").update("challenge_string").digest(
        "base64",
      );
      assertEquals(crc, { response_token: `sha256=${signature}` });
      for (const token of [`{"for_user_id":"1"}`, "[]", "a b", ""]) {
        const answer = await get(`x?crc_token=${encodeURIComponent(token)}`);
        assertEquals(answer.status, 400);
        assert(!(await answer.text()).includes("sha256="));
      }
    });

    it("by GET, of a type that has none, is a wrong method", async () => {
      for (const type of ["demo", "github", "meta", "x", "stripe?challenge=a"]) {
        const { error } = await json(await get(type), 405);
        assertEquals(error.code, "method_not_allowed");
      }
    });
  });

  describe("a new secret that comes with a handshake", () => {
    const offered = () => log.filter((line) => line.includes("webhook.secret_offered"));

    it("of Notion is shown to the operator, and neither kept nor adopted", async () => {
      const before = await kept();
      const secret = "secret_of_a_stranger_1";
      const answer = await post("notion", JSON.stringify({ verification_token: secret }));
      assertEquals([answer.status, await answer.text()], [200, ""]);
      const [line] = offered().filter((each) => each.includes(secret)).map((each) =>
        JSON.parse(each)
      );
      assertEquals([line.webhook_type, line.secret, line.client_ip], [
        "notion",
        secret,
        "127.0.0.1",
      ]);
      assertMatch(line.hint, /NOTION_WEBHOOK_SECRET/);
      assertEquals(await kept(), before);
      const event = { id: "n1", type: "page.created" };
      assertEquals((await postSigned("notion", secret, event)).status, 401);
      assertEquals((await postSigned("notion", "the secret of notion", event)).status, 200);
    });

    it("of Asana is given back in its header, and neither kept nor adopted", async () => {
      const before = await kept();
      const secret = "b537207f20cbfa02357cf448134da559";
      const answer = await post("asana", "", { "x-hook-secret": secret });
      assertEquals([answer.status, answer.headers.get("x-hook-secret")], [200, secret]);
      assertEquals(await kept(), before);
      const event = { events: [{ action: "added", created_at: "2026-01-02T03:04:05Z" }] };
      assertEquals((await postSigned("asana", secret, event)).status, 401);
      assertEquals((await postSigned("asana", "the secret of asana", event)).status, 200);
      assertEquals(await kept(), before + 1);
    });

    it("is shown on its source's page, to the admin", async () => {
      await post("asana", "{}", { "x-hook-secret": "a-secret-for-the-page" });
      const page = await (await otto.ask("/sources/asana", { headers: ADMIN })).text();
      assert(page.includes("a-secret-for-the-page") && page.includes("ASANA_WEBHOOK_SECRET"));
    });

    it("does not fill the log, however often it comes", async () => {
      const before = offered().length;
      for (let i = 0; i < 50; i++) {
        await post("notion", `{"verification_token":"secret_${"x".repeat(i)}12345678"}`);
      }
      assert(offered().length - before < 25);
    });

    it("with a heartbeat of Asana, makes no message", async () => {
      const before = await kept();
      assertEquals((await post("asana", `{"events":[]}`)).status, 200);
      assertEquals(await kept(), before);
    });
  });

  describe("the answer to a message", () => {
    it("is what its sender wants, with the message's id, and the same to a repeat", async () => {
      const wanted: [string, string, Record<string, unknown>, number, string][] = [
        ["telegram", "update_id", { message: { text: "hi" } }, 200, ""],
        ["airtable", "timestamp", { base: { id: "app1" }, webhook: { id: "ach1" } }, 200, ""],
        ["teams", "id", { type: "message", text: "hi" }, 200, "message"],
        ["okta", "eventId", { data: { events: [] } }, 200, "received"],
      ];
      for (const [type, key, body, status, text] of wanted) {
        const send = () => post(type, JSON.stringify({ ...body, [key]: "one" }));
        const [first, again] = [await send(), await send()];
        const told = await first.text();
        assertEquals(first.status, status, told);
        assertEquals(text === "" ? told : told.includes(text), text === "" ? "" : true, told);
        assertEquals(await again.text(), told);
        assertEquals(again.headers.get("x-message-id"), first.headers.get("x-message-id"));
        assertMatch(first.headers.get("x-message-id")!, /^[0-9a-f-]{36}$/);
      }
      const graph = { value: [{ id: "1", changeType: "created", resource: "users/1" }] };
      assertEquals((await post("msgraph", JSON.stringify(graph))).status, 202);
    });

    it("to a Discord command is for the user's eyes only, and events get 204", async () => {
      const command = {
        id: "77",
        type: 2,
        data: { name: "otto" },
        member: { user: { username: "ada" } },
      };
      const answer = await json(await postDiscord(command));
      assertEquals([answer.type, answer.data.flags], [4, 64]);
      assertEquals(await json(await postDiscord(command)), answer);
      assertEquals(await json(await postDiscord({ ...command, id: "78", type: 3 })), { type: 6 });
      const event = {
        type: 1,
        application_id: "1",
        event: { type: "ENTITLEMENT_CREATE", timestamp: "2026-01-02T03:04:05Z" },
      };
      const kind = await postDiscord(event);
      assertEquals([kind.status, await kind.text()], [204, ""]);
    });
  });

  describe("a message of a known sender", () => {
    it("is found by its name in any case, and verified by WEBHOOK_SECRET_{SOURCE}", async () => {
      const body = JSON.stringify({ object_kind: "push", user_name: "ada" });
      for (const type of ["gitlab", "GitLab", "GITLAB"]) {
        assertEquals((await post(type, body)).status, 401);
        const answer = await post(type, body, { "x-gitlab-token": "the token of gitlab" });
        assertEquals((await json(answer)).webhook_type, type);
      }
      const wrong = await post("gitlab", body, { "x-gitlab-token": "the token of gitla" });
      assertEquals((await json(wrong, 401)).error.code, "signature_mismatch");
    });

    it("whose signature covers the URL is checked with PUBLIC_URL's", async () => {
      for (
        const [name, secret] of [
          ["square", "the secret of square"],
          ["trello", "the secret of trello"],
          ["hubspot", "the secret of hubspot"],
        ] as const
      ) {
        const answer = await postSigned(name, secret, { type: "x" });
        const id = answer.headers.get("x-message-id");
        assertEquals(answer.status, 200, await answer.text());
        const { verification } = await json(
          await otto.ask(`/api/messages/${id}`, { headers: ADMIN }),
        );
        assertEquals(verification, "verified");
      }
    });

    it("becomes a task that a person can read, with the fixed wording", async () => {
      const answer = await postSigned("linear", "the secret of linear", {
        action: "create",
        type: "Issue",
        actor: { name: "Ada" },
        data: { identifier: "OTT-1", title: "The line drops" },
        webhookTimestamp: Date.now(),
      }, { "linear-delivery": "d1" });
      const id = answer.headers.get("x-message-id")!;
      await otto.workOff();
      const { task_id } = await json(await otto.ask(`/api/messages/${id}`, { headers: ADMIN }));
      const task = await json(await otto.ask(`/api/tasks/${task_id}`, { headers: ADMIN }));
      assertEquals(task.title, `Ada created Issue OTT-1 "The line drops"`);
      assertEquals(
        task.description,
        "Process linear webhook event with payload containing 5 fields.",
      );
      assertEquals([task.source, task.status], ["linear", "completed"]);
    });

    it("is refused when the time that is signed in its body has passed", async () => {
      const late = await postSigned("linear", "the secret of linear", {
        type: "Issue",
        webhookTimestamp: Date.now() - 90_000,
      });
      assertEquals((await json(late, 401)).error.code, "timestamp_outside_window");
    });

    it("may be as large as its vendor's largest", async () => {
      const large = JSON.stringify({ webhookEvent: "x", text: "x".repeat(2 * 1024 * 1024) });
      assertEquals((await post("jira", large)).status, 200);
      assertEquals((await post("sentry", large)).status, 413);
    });
  });

  describe("whatever comes to a known sender's URL", () => {
    it("gets one of a few answers, and never an error of ours", async () => {
      const EXPECTED = new Set([200, 202, 204, 400, 401, 403, 405]);
      const headers = [
        "authorization",
        "x-hook-secret",
        "webhook-signature",
        "x-hub-signature",
        "x-okta-verification-challenge",
        "webhook-request-origin",
        "twitch-eventsub-message-type",
        "ce-type",
        "paypal-cert-url",
      ];
      const keys = ["type", "event", "challenge", "verification_token", "events", "payload"];
      const query = fc.dictionary(
        fc.constantFrom("validationToken", "challenge", "crc_token", "hub.mode", "token"),
        fc.oneof(fc.constant("subscribe"), fc.string({ unit: "binary" }), fc.string()),
      );
      await using bare = await openOtto();
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...Object.keys(sources)),
          fc.constantFrom("POST", "POST", "GET", "HEAD", "OPTIONS", "PUT"),
          hostileRequests(headers, keys),
          query,
          fc.boolean(),
          async (type, method, { headers, body }, query, isBare) => {
            const search = new URLSearchParams(
              Object.entries(query).map(([key, value]) => [key, value.toWellFormed()]),
            );
            const answer = await (isBare ? bare : otto).ask(`/webhook/${type}?${search}`, {
              method,
              headers,
              body: method === "POST" ? body as BodyInit : undefined,
            });
            await answer.arrayBuffer();
            assert(EXPECTED.has(answer.status), `${type}: ${answer.status}`);
          },
        ),
        { numRuns: 300 },
      );
      await bare.workOff();
      const [{ failed }] = await bare.services.database.query(
        "count what failed",
        (sql) =>
          sql<{ failed: number }[]>`
            select count(*)::int as failed from messages where state = 'failed'`,
      );
      assertEquals(failed, 0);
    });
  });
});

import { Signature } from "@hubspot/api-client";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import twilio from "twilio";
import { createVerifier } from "../../lib/work/verify/verifier.ts";
import { readConfig } from "../../lib/config/config.ts";
import { readMessage } from "../../lib/message/message.ts";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const ORIGIN = "https://otto.example.com";
const SECRETS = {
  TWILIO_AUTH_TOKEN: "the token of twilio",
  ZENDESK_WEBHOOK_SECRET: "the secret of zendesk",
  GRAFANA_WEBHOOK_SECRET: "the secret of grafana",
  HUBSPOT_CLIENT_SECRET: "the secret of hubspot",
  HOMEASSISTANT_WEBHOOK_SECRET: "token-of-the-house",
  PUBLIC_URL: ORIGIN,
  ADMIN_TOKEN: "a token of the operator's own",
};
const ADMIN = { authorization: `Bearer ${SECRETS.ADMIN_TOKEN}` };
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

let otto: Otto;

const ask = (method: string, path: string, headers = {}, body?: string) =>
  otto.ask(`/webhook/${path}`, { method, headers, body });
const idOf = (answer: Response) => answer.headers.get("x-message-id")!;
const admin = (path: string, method = "GET") => otto.ask(path, { method, headers: ADMIN });
const read = async (id: string) => await json(await admin(`/api/messages/${id}`));
const explain = async (id: string) => await json(await admin(`/api/messages/${id}/explain`));

/** A GET as Twilio signs it: the URL with its query, and nothing else. */
function getTwilio(
  query: string,
  token = SECRETS.TWILIO_AUTH_TOKEN,
): Promise<Response> {
  const signature = twilio.getExpectedTwilioSignature(
    token,
    `${ORIGIN}/webhook/twilio?${query}`,
    {},
  );
  return ask("GET", `twilio?${query}`, { "x-twilio-signature": signature });
}

function signZendesk(body: string): Record<string, string> {
  const time = new Date().toISOString();
  return {
    "x-zendesk-webhook-signature-timestamp": time,
    "x-zendesk-webhook-signature": createHmac(
      "sha256",
      SECRETS.ZENDESK_WEBHOOK_SECRET,
    )
      .update(time + body).digest("base64"),
  };
}

async function kept(): Promise<number> {
  // What was refused is written in the background.
  await otto.services.quarantine.idle();
  const [{ count }] = await otto.services.database.query(
    "count the messages",
    (sql) => sql<{ count: number }[]>`select count(*)::int as count from messages`,
  );
  return count;
}

describe("an event by another method than POST", () => {
  beforeAll(async () => {
    otto = await openOtto(SECRETS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("that was refused is judged again as what it was, when its secret is right", async () => {
    assertEquals(
      (await getTwilio("MessageSid=SM9&Body=late", "the next token")).status,
      401,
    );
    await otto.services.quarantine.idle();
    const { items } = await json(
      await admin("/api/messages?state=rejected&source=twilio"),
    );
    const [{ message_id }] = items;
    assertEquals((await read(message_id)).payload, {
      MessageSid: "SM9",
      Body: "late",
    });
    const still = await admin(`/api/messages/${message_id}/release`, "POST");
    assertEquals((await json(still, 409)).error.code, "signature_mismatch");
    const message = await readMessage(otto.services.database, message_id);
    const config = readConfig({
      ...SECRETS,
      TWILIO_AUTH_TOKEN: "the next token",
    });
    const verifier = createVerifier({ ...otto.services, config });
    const incoming = verifier.incomingOf(message!);
    assertEquals(
      await verifier.verify(verifier.gateOf("twilio"), incoming),
      "verified",
    );
  });

  it("by GET is a repeat when somebody sends it again as an empty POST", async () => {
    const query = "MessageSid=SM7&Body=pay";
    const first = idOf(await getTwilio(query));
    const signature = twilio.getExpectedTwilioSignature(
      SECRETS.TWILIO_AUTH_TOKEN,
      `${ORIGIN}/webhook/twilio?${query}`,
      {},
    );
    const forged = await ask("POST", `twilio?${query}`, {
      "x-twilio-signature": signature,
      "content-type": "application/x-www-form-urlencoded",
    });
    await otto.workOff();
    assert((await read(first)).task_id);
    const message = await read(idOf(forged));
    assertEquals([message.verification, message.state], ["verified", "filtered"]);
  });

  it("by GET is what its URL says: kept, described, explained, replayed and verified again", async () => {
    const query = "MessageSid=SM1&From=%2B15005550006&Body=Move+it%20to+Friday&Body=now&Empty=";
    const answer = await getTwilio(query);
    assertEquals([answer.status, await answer.text()], [200, EMPTY_TWIML]);
    assertEquals(answer.headers.get("content-type"), "text/xml");
    const id = idOf(answer);
    await otto.workOff();
    const message = await read(id);
    assertEquals([message.method, message.verification, message.state], [
      "GET",
      "verified",
      "processed",
    ]);
    assertEquals(message.payload, {
      MessageSid: "SM1",
      From: "+15005550006",
      Body: ["Move it to Friday", "now"],
      Empty: "",
    });
    assertEquals(message.delivery_id, "SM1:received");
    assertEquals(idOf(await getTwilio(query)), id, "a repeat is one");
    const told = await explain(id);
    assertEquals([told.verdict, told.becomes, told.title], [
      "verified",
      "message",
      message.title,
    ]);
    const replay = await json(
      await admin(`/api/messages/${id}/replay`, "POST"),
      201,
    );
    await otto.workOff();
    const again = await read(replay.message_id);
    assertEquals([again.method, again.state, again.title], [
      "GET",
      "processed",
      message.title,
    ]);
  });

  it("by GET is refused when anything of its URL is changed", async () => {
    const query = "CallSid=CA1&CallStatus=ringing&From=%2B1";
    assertEquals((await getTwilio(query, "another token")).status, 401);
    const signature = twilio.getExpectedTwilioSignature(
      SECRETS.TWILIO_AUTH_TOKEN,
      `${ORIGIN}/webhook/twilio?${query}`,
      {},
    );
    for (const changed of [`${query}&To=1`, query.replace("CA1", "CA2"), ""]) {
      const answer = await ask("GET", `twilio?${changed}`, {
        "x-twilio-signature": signature,
      });
      assertEquals(
        (await json(answer, 401)).error.code,
        "signature_mismatch",
        changed,
      );
    }
    // A signed URL is no signed form.
    const posted = await ask("POST", `twilio?${query}`, {
      "x-twilio-signature": signature,
      "content-type": "application/x-www-form-urlencoded",
    }, "Body=forged");
    assertEquals((await json(posted, 401)).error.code, "signature_mismatch");
  });

  it("by GET is nobody's without a signature: a visit, which leaves no trace", async () => {
    await otto.services.quarantine.idle();
    const before = await kept();
    for (const type of ["twilio", "hubspot", "homeassistant"]) {
      const { error } = await json(await ask("GET", `${type}?Body=hi`), 401);
      assertEquals(error.code, "signature_missing", type);
    }
    await otto.services.quarantine.idle();
    assertEquals(await kept(), before);
  });

  it("by GET is not taken where nothing can vouch for it", async () => {
    await using bare = await openOtto();
    for (const type of ["twilio", "hubspot", "homeassistant"]) {
      const answer = await bare.ask(`/webhook/${type}?message=hi`);
      assertStringIncludes(answer.headers.get("allow")!, "POST");
      const { error } = await json(answer, 405);
      assertEquals(error.code, "method_not_allowed");
      assertStringIncludes(error.hint, "verified");
    }
    const put = await bare.ask("/webhook/grafana", {
      method: "PUT",
      body: '{"title":"x"}',
    });
    assertEquals((await json(put)).status, "received");
  });

  it("is taken as HubSpot's own library signs a workflow's GET", async () => {
    const url = `${ORIGIN}/webhook/hubspot?hs_object_id=7`;
    const clientSecret = SECRETS.HUBSPOT_CLIENT_SECRET;
    for (const version of ["v2", "v3"]) {
      const timestamp = Date.now();
      const signature = Signature.getSignature(
        "GET",
        version,
        { clientSecret, url, timestamp, requestBody: "" } as Parameters<
          typeof Signature.getSignature
        >[2],
      );
      const headers = version === "v3"
        ? {
          "x-hubspot-signature-v3": signature,
          "x-hubspot-request-timestamp": String(timestamp),
        }
        : {
          "x-hubspot-signature": signature,
          "x-hubspot-signature-version": version,
        };
      const id = idOf(await ask("GET", "hubspot?hs_object_id=7", headers));
      assertEquals((await read(id)).payload, { hs_object_id: "7" }, version);
    }
  });

  it("of Zendesk may have any with a body, which is what it signs", async () => {
    for (const method of ["PUT", "PATCH", "POST"]) {
      const body = JSON.stringify({ message: `by ${method}` });
      const headers = {
        "content-type": "application/json",
        ...signZendesk(body),
      };
      const id = idOf(await ask(method, "zendesk", headers, body));
      const message = await read(id);
      assertEquals(message.payload, { message: `by ${method}` });
      assertEquals(message.method, method === "POST" ? undefined : method);
      assertEquals((await explain(id)).verdict, "verified");
      assertEquals(
        (await ask(method, "zendesk", headers, `${body} `)).status,
        401,
      );
    }
    // Its signature covers no URL, where a GET would have all that it says.
    for (const method of ["GET", "DELETE"]) {
      const answer = await ask(method, "zendesk?ticket_id=7", signZendesk(""));
      assertEquals((await json(answer, 405)).error.code, "method_not_allowed");
    }
  });

  it("of Grafana may be a PUT", async () => {
    const body = sources.grafana.samples[0].body;
    const signature = createHmac("sha256", SECRETS.GRAFANA_WEBHOOK_SECRET)
      .update(body)
      .digest("hex");
    const headers = { "x-grafana-alerting-signature": signature };
    const id = idOf(await ask("PUT", "grafana", headers, body));
    assertEquals((await read(id)).verification, "verified");
    assertEquals(
      idOf(await ask("POST", "grafana", headers, body)),
      id,
      "the same by POST",
    );
    assertEquals(
      (await ask("PUT", "grafana", headers, `${body}\n`)).status,
      401,
    );
  });

  it("of Home Assistant keeps no token out of its URL in the payload", async () => {
    const token = encodeURIComponent(SECRETS.HOMEASSISTANT_WEBHOOK_SECRET);
    const id = idOf(
      await ask("GET", `homeassistant?token=${token}&title=Door&state=open`),
    );
    const message = await read(id);
    assertEquals(message.payload, { title: "Door", state: "open" });
    assert(!JSON.stringify(message).includes("the-house"));
    assertEquals((await explain(id)).verdict, "verified");
    const bearer = {
      authorization: `Bearer ${SECRETS.HOMEASSISTANT_WEBHOOK_SECRET}`,
    };
    const alone = idOf(await ask("GET", "homeassistant", bearer));
    assertEquals((await read(alone)).payload, { raw_body: "" });
    assertEquals(
      (await ask("GET", "homeassistant?token=guessed&title=Door")).status,
      401,
    );
  });

  it("is none by HEAD, and none by what the sender does not use", async () => {
    const before = await kept();
    for (
      const [name, { methods = ["POST"] }] of Object.entries<Source>(sources)
    ) {
      assert(methods.includes("POST") && !methods.includes("HEAD"), name);
      for (
        const method of ["HEAD", "GET", "PUT", "PATCH", "DELETE", "OPTIONS"]
      ) {
        if (
          methods.includes(method) ||
          (method === "HEAD" && /^(intercom|trello|mailchimp|mandrill)$/.test(name)) ||
          // They try the URL so, and have no events by it.
          (method === "GET" && /^(mailchimp|mandrill)$/.test(name))
        ) {
          continue;
        }
        const answer = await ask(method, `${name}?a=1`);
        assertEquals([answer.status, answer.headers.get("allow")], [
          405,
          methods.join(", "),
        ], name);
        await answer.body?.cancel();
      }
    }
    assertEquals(await kept(), before);
  });
});

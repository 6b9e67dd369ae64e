import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { createHmac } from "node:crypto";
import * as slack from "../../sources/slack.ts";
import {
  assertCalm,
  assertDescription,
  assertTamperProof,
  described,
  form,
  hostileRequests,
  NOW,
  request,
  signedSample,
  vector,
} from "./request.ts";

const JSON_TYPE = { "content-type": "application/json" };

describe("a Slack request's signature", () => {
  const { key, body, sig, ts } = vector("slack");
  const receivedAt = Number(ts) * 1000;
  const signed = (headers: Record<string, string> = {}, at = receivedAt) =>
    request(body, {
      "x-slack-signature": `v0=${sig}`,
      "x-slack-request-timestamp": ts!,
      ...headers,
    }, { receivedAt: at });
  const code = async (
    headers: Record<string, string> = {},
    at = receivedAt,
  ) => {
    const verdict = await slack.verify(signed(headers, at), [key]);
    return verdict.ok || verdict.code;
  };

  it("is right as Slack's documentation has it", async () => {
    assertEquals(await code(), true);
  });

  it("notices every change of the body", async () => {
    await assertTamperProof(slack, signed(), key);
  });

  it("covers its time, which counts for five minutes both ways", async () => {
    assertEquals(await code({}, receivedAt + 300_000), true);
    assertEquals(
      await code({}, receivedAt + 301_000),
      "timestamp_outside_window",
    );
    assertEquals(await code({}, receivedAt - 300_000), true);
    assertEquals(
      await code({}, receivedAt - 301_000),
      "timestamp_outside_window",
    );
    assertEquals(
      await code({ "x-slack-request-timestamp": "1531420619" }),
      "signature_mismatch",
    );
  });

  it("may be written in upper case", async () => {
    assertEquals(await code({ "x-slack-signature": `v0=${sig.toUpperCase()}` }), true);
  });

  it("is refused with a reason when it is missing or malformed", async () => {
    assertEquals(await code({ "x-slack-signature": "" }), "signature_missing");
    for (
      const header of [
        `v1=${sig}`,
        sig,
        "v0=",
        `v0=${sig}, v0=${sig}`,
      ]
    ) {
      assertEquals(
        await code({ "x-slack-signature": header }),
        "signature_malformed",
      );
    }
    for (
      const time of ["", "NaN", "1e9", "0x5b47", "1531420618000", "-531420618"]
    ) {
      assertEquals(
        await code({ "x-slack-request-timestamp": time }),
        "signature_malformed",
      );
    }
  });

  it("on each sample is what Slack would make", async () => {
    for (const sample of slack.samples) {
      const incoming = await signedSample(slack, sample, "s3cret");
      const base = `v0:${NOW / 1000}:${sample.body}`;
      const expected = createHmac("sha256", "s3cret").update(base).digest(
        "hex",
      );
      assertEquals(incoming.headers.get("x-slack-signature"), `v0=${expected}`);
      assertEquals(await slack.verify(incoming, ["s3cret"]), { ok: true });
      assertDescription(described(slack, incoming));
      assertEquals(described(slack, incoming).event, sample.event);
      assert(slack.deliveryId(incoming));
    }
  });
});

describe("Slack's probe", () => {
  it("of the certificate is answered, unsigned", () => {
    assertEquals(slack.probe(form({ ssl_check: "1", token: "x" })), {
      status: 200,
    });
  });

  it("is nothing else", () => {
    assertEquals(slack.probe(form({ ssl_check: "0" })), undefined);
    assertEquals(slack.probe(form({ command: "/otto" })), undefined);
    assertEquals(
      slack.probe(request('{"ssl_check":"1"}', JSON_TYPE)),
      undefined,
    );
    assertEquals(
      slack.probe(form({ ssl_check: "1", x: "x".repeat(5_000) })),
      undefined,
    );
  });
});

describe("Slack's handshake", () => {
  const answer = (challenge: unknown) =>
    slack.handshake(
      request(
        JSON.stringify({ type: "url_verification", challenge }),
        JSON_TYPE,
      ),
    );

  it("is answered with its challenge as plain text", () => {
    const challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
    assertEquals(answer(challenge), {
      status: 200,
      contentType: "text/plain; charset=utf-8",
      body: challenge,
    });
  });

  it("never echoes anything but a short token", () => {
    for (
      const challenge of [
        "<script>",
        "a b",
        "a\nb",
        "",
        "x".repeat(501),
        {},
        null,
        7,
      ]
    ) {
      const reply = answer(challenge);
      assertEquals(reply?.status, 400);
      assert(!reply?.body?.includes("<script>"));
    }
    fc.assert(fc.property(fc.string({ unit: "binary" }), (challenge) => {
      const reply = answer(challenge);
      if (reply?.status === 200) {
        assert(/^[\w.~+/=-]{1,500}$/.test(reply.body!));
      }
    }));
  });

  it("is not an ordinary event", () => {
    const body = '{"type":"event_callback","challenge":"abc","event":{"type":"message"}}';
    assertEquals(slack.handshake(request(body, JSON_TYPE)), undefined);
    assertEquals(slack.handshake(request("", JSON_TYPE)), undefined);
  });
});

describe("the answer to Slack", () => {
  it("is empty for commands and clicks, Otto's own for events", () => {
    assertEquals(slack.answer(form({ command: "/otto" })), { status: 200 });
    assertEquals(slack.answer(form({ payload: '{"type":"block_actions"}' })), {
      status: 200,
    });
    assertEquals(
      slack.answer(request('{"type":"event_callback"}', JSON_TYPE)),
      undefined,
    );
  });
});

describe("a Slack delivery's id", () => {
  const click = (payload: unknown) => slack.deliveryId(form({ payload: JSON.stringify(payload) }));

  it("is the event's, or the trigger's, or the clicked message's with the click's", () => {
    assertEquals(
      slack.deliveryId(request('{"event_id":"Ev1"}', JSON_TYPE)),
      "Ev1",
    );
    assertEquals(
      slack.deliveryId(form({ command: "/otto", trigger_id: "1.2.3" })),
      "1.2.3",
    );
    assertEquals(click({ trigger_id: "1.2.3" }), "1.2.3");
    const container = { message_ts: "1.1" };
    assertEquals(
      click({ container, actions: [{ action_ts: "2.2" }] }),
      "1.1:2.2",
    );
    assertEquals(click({ container }), undefined);
    assertEquals(
      slack.deliveryId(request('{"type":"app_rate_limited"}', JSON_TYPE)),
      undefined,
    );
    assertEquals(
      slack.deliveryId(request('{"event_id":" "}', JSON_TYPE)),
      undefined,
    );
  });
});

describe("a Slack event's description", () => {
  const description = (payload: unknown) => slack.describe(payload).description;

  it("has the fixed wording for events", () => {
    assertEquals(
      description({
        type: "event_callback",
        event: { type: "message", user: "U1", channel: "C1" },
      }),
      "Process Slack message from U1 in C1",
    );
    assertEquals(
      description({
        event: { type: "reaction_added", user: "U1", item: { channel: "C2" } },
      }),
      "Process Slack reaction_added from U1 in C2",
    );
    assertEquals(
      description({ event: { type: "team_join", user: { id: "U3" } } }),
      "Process Slack team_join from U3",
    );
    assertEquals(
      description({
        event: { type: "channel_created", channel: { id: "C4" } },
      }),
      "Process Slack channel_created in C4",
    );
  });

  it("has the fixed wording for commands and clicks", () => {
    assertEquals(
      description({ command: "/otto", user_id: "U1", channel_id: "C1" }),
      "Process Slack slash_command from U1 in C1",
    );
    assertEquals(
      description({
        type: "block_actions",
        user: { id: "U1" },
        channel: { id: "C1" },
      }),
      "Process Slack block_actions from U1 in C1",
    );
    assertEquals(
      description({ type: "view_submission", user: { id: "U1" } }),
      "Process Slack view_submission from U1",
    );
    assertEquals(description(null), "Process Slack");
  });
});

describe("a Slack event's title", () => {
  const event = (event: Record<string, unknown>) => slack.describe({ event }).title;

  it("is what a person would say of an event", () => {
    const place = { user: "U1", channel: "C1" };
    assertEquals(
      event({ type: "message", ...place, text: "hi\nall" }),
      'Message from U1 in C1: "hi all"',
    );
    assertEquals(
      event({
        type: "message",
        subtype: "bot_message",
        bot_id: "B1",
        channel: "C1",
      }),
      "Message (bot message) from bot B1 in C1",
    );
    assertEquals(
      event({ type: "app_mention", ...place, text: "help" }),
      'U1 mentioned the app in C1: "help"',
    );
    assertEquals(
      event({
        type: "reaction_added",
        user: "U1",
        reaction: "eyes",
        item: { channel: "C1" },
      }),
      "U1 reacted with :eyes: in C1",
    );
    assertEquals(
      event({ type: "member_joined_channel", ...place }),
      "U1 joined C1",
    );
    assertEquals(
      event({
        type: "channel_created",
        channel: { id: "C1", name: "new", creator: "U1" },
      }),
      "Channel #new was created by U1",
    );
    assertEquals(
      event({ type: "app_home_opened", user: "U1" }),
      "U1 opened the app's home",
    );
    assertEquals(
      event({
        type: "file_shared",
        user_id: "U1",
        channel_id: "C1",
        file_id: "F1",
      }),
      "U1 shared file F1 in C1",
    );
    assertEquals(
      event({ type: "team_join", user: { id: "U1", name: "ada" } }),
      "ada joined the workspace",
    );
    assertEquals(
      event({ type: "pin_added", ...place }),
      "Slack pin added from U1 in C1",
    );
  });

  it("is what a person would say of a command or a click", () => {
    assertEquals(
      slack.describe({
        command: "/deploy",
        text: "prod",
        user_name: "ada",
        channel_name: "ops",
      }).title,
      "/deploy prod from ada in #ops",
    );
    const user = { id: "U1", username: "ada" };
    assertEquals(
      slack.describe({
        type: "block_actions",
        user,
        channel: { id: "C1", name: "ops" },
        actions: [{
          action_id: "approve",
          value: "7",
          text: { text: "Approve" },
        }],
      }).title,
      'ada used "Approve" (7) in #ops',
    );
    assertEquals(
      slack.describe({
        type: "view_submission",
        user,
        view: { title: { text: "Holiday" } },
      }).title,
      'ada submitted "Holiday"',
    );
    assertEquals(
      slack.describe({ type: "shortcut", user, callback_id: "new_task" }).title,
      "ada used shortcut new_task",
    );
    assertEquals(slack.describe({}).title, "Slack event");
  });

  it("comes with the whole text and a link to the channel", () => {
    const { text, link, actor } = slack.describe({
      team_id: "T1",
      event: { type: "message", user: "U1", channel: "C1", text: "a\n\nb" },
    });
    assertEquals({ text, link, actor }, {
      text: "a\n\nb",
      link: "https://slack.com/app_redirect?channel=C1&team=T1",
      actor: "U1",
    });
  });
});

describe("whatever is sent to Slack's webhook", () => {
  it("is taken calmly", async () => {
    await assertCalm(
      slack,
      hostileRequests(["x-slack-signature", "x-slack-request-timestamp"], [
        "type",
        "event",
        "user",
        "id",
        "channel",
        "item",
        "text",
        "command",
        "payload",
        "actions",
        "action_id",
        "view",
        "ssl_check",
        "challenge",
        "event_id",
        "trigger_id",
        "subtype",
        "reaction",
      ]),
    );
  });
});

import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import * as line from "../../sources/line.ts";
import { NOBODY, request } from "./request.ts";

const source = { type: "group", groupId: "C1", userId: "U1" };

describe("LINE's webhook", () => {
  it("is signed with the channel secret, in base64", async () => {
    const body = `{"destination":"U0","events":[]}`;
    const signature = createHmac("sha256", "secret").update(body).digest("base64");
    const headers = { "x-line-signature": signature };
    assertEquals(await line.verify(request(body, headers), ["secret"]), { ok: true });
    assertEquals((await line.verify(request(`${body} `, headers), ["secret"])).ok, false);
  });

  it("without events is the console's trial, after the signature where there is a secret", () => {
    const trial = request(`{"destination":"U0","events":[]}`);
    assertEquals(line.probe(trial, NOBODY), { status: 200 });
    assertEquals(line.probe(trial, { ...NOBODY, secrets: ["secret"] }), undefined);
    assertEquals(line.handshake(trial), { status: 200 });
    assertEquals(line.handshake(request(`{"events":[{}]}`)), undefined);
  });

  it("is told by who said or did what", () => {
    const text = (id: string) => ({
      webhookEventId: id,
      type: "message",
      source,
      message: { type: "text", text: "Hi" },
    });
    for (
      const [title, ...events] of [
        [`LINE message from U1 in C1: "Hi"`, text("1")],
        [`2 events: first LINE message from U1 in C1: "Hi"`, text("1"), text("1"), text("2")],
        ["LINE image from U1 in C1", { type: "message", source, message: { type: "image" } }],
        ["LINE file from U1 in C1: a.pdf", {
          type: "message",
          source,
          message: { type: "file", fileName: "a.pdf" },
        }],
        ["U1 follows the account", { type: "follow", source: { userId: "U1" } }],
        [`U1 pressed "yes" in C1`, { type: "postback", source, postback: { data: "yes" } }],
        ["LINE accountLink from U1 in C1", { type: "accountLink", source }],
      ] as const
    ) assertEquals(line.describe({ events }).title, title);
  });

  it("that comes again is known by its events", () => {
    const idOf = (id: string, isRedelivery = false) =>
      line.deliveryId(
        request(
          JSON.stringify({ events: [{ webhookEventId: id, deliveryContext: { isRedelivery } }] }),
        ),
      );
    assertEquals(idOf("1"), idOf("1", true));
    assertNotEquals(idOf("1"), idOf("2"));
    assertEquals(line.deliveryId(request(`{"events":[{}]}`)), undefined);
  });
});

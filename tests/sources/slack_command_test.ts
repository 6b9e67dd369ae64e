import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { commandOf, hasBot, isEcho, threadOf, unsaidOf } from "../../sources/slack/command.ts";

const said = { user: "U0ADA", channel: "C0TEAM", text: "hi", ts: "1700000001.000100" };
const event = (event: Record<string, unknown>) => ({ type: "event_callback", event });

describe("the thread to answer in", () => {
  it("hangs below the message itself, or is the one that it stands in", () => {
    for (const type of ["message", "app_mention"]) {
      const place = { channel: said.channel, ts: said.ts };
      assertEquals(threadOf(event({ type, ...said })), place);
      const thread_ts = "1700000000.000100";
      assertEquals(threadOf(event({ type, ...said, thread_ts })), { ...place, ts: thread_ts });
    }
  });

  it("is there for messages alone", () => {
    assertEquals(threadOf(event({ type: "reaction_added", ...said })), undefined);
    assertEquals(threadOf(event({ type: "message", subtype: "channel_join", ...said })), undefined);
    assertEquals(threadOf({ command: "/otto", channel_id: "C0TEAM", text: "hi" }), undefined);
  });

  it("is no text of somebody's making", () => {
    for (const channel of ["#general", "C0TEAM,C0OTHER", "", "c0team", ["C0TEAM"], 7]) {
      assertEquals(threadOf(event({ type: "message", ...said, channel })), undefined);
    }
    for (const ts of ["now", "1700000001", "1700000001.000100; x", {}]) {
      assertEquals(threadOf(event({ type: "message", ...said, ts })), undefined);
    }
  });
});

describe("a reply", () => {
  it("stands in a thread, below its first message", () => {
    const reply = event({ type: "message", ...said, thread_ts: "1700000000.000100" });
    assertEquals(commandOf(reply), {
      kind: "reply",
      channel: "C0TEAM",
      ts: said.ts,
      threadTs: "1700000000.000100",
      user: "U0ADA",
      byBot: false,
      text: "hi",
    });
    assertEquals(commandOf(event({ type: "message", ...said, thread_ts: said.ts })), undefined);
    assertEquals(commandOf(event({ type: "message", ...said })), undefined);
  });
});

describe("what Slack tells", () => {
  it("never makes these throw, whatever it is", () => {
    const payload = fc.oneof(
      fc.jsonValue(),
      fc.record({
        type: fc.constantFrom("block_actions", "event_callback"),
        authorizations: fc.jsonValue(),
        state: fc.oneof(fc.jsonValue(), fc.record({ values: fc.jsonValue() })),
        actions: fc.jsonValue(),
        container: fc.jsonValue(),
        user: fc.jsonValue(),
        event: fc.oneof(
          fc.jsonValue(),
          fc.record({
            type: fc.constant("message"),
            message: fc.jsonValue(),
            user: fc.jsonValue(),
          }),
        ),
      }),
    );
    fc.assert(fc.property(payload, (payload) => {
      commandOf(payload);
      threadOf(payload);
      hasBot(payload);
      unsaidOf(payload);
      isEcho(payload, { userId: "U0OTTO" });
    }));
  });

  it("is our own only when one of our own ids is in it", () => {
    const other = { ...event({ type: "message", ...said }), api_app_id: "A0OTTO" };
    assertEquals(isEcho(other, { userId: "U0OTTO", botId: "B0OTTO" }), false);
    assertEquals(isEcho({}, {}), false);
    assertEquals(isEcho(event({ type: "message", text: "no ids at all" }), {}), false);
  });
});

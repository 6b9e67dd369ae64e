import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readConfig } from "../../lib/config/config.ts";
import { sources } from "../../sources/mod.ts";
import { call, eventsOf, finish, issue, kinds, toolNames } from "../agent/stage.ts";
import { ACCOUNT } from "../fakes/vendors/twilio.ts";
import { openReplies, type ReplyStage, SAID } from "./stage.ts";

let sids = 0;
const sms = (more: Record<string, string> = {}) => ({
  MessageSid: `SM${String(++sids).padStart(32, "b")}`,
  AccountSid: ACCOUNT,
  From: "+4915112345678",
  To: "+15005550001",
  Body: "When do you open?",
  ...more,
});
const numbered = (number: number) => ({ ...issue, issue: { ...issue.issue, number } });
const HEADERS = { "x-github-event": "issues" };
const limited = (reply: unknown) =>
  openReplies({ rules: { default: { tools: ["reply"], reply } } });

describe("replies are limited", () => {
  it("to three of one task, and the model is told why", async () => {
    await using stage = await openReplies();
    stage.fake.script = [
      ...["one", "two", "three", "four"].map((text) => call("reply", { text })),
      finish("Done"),
    ];
    await stage.send("github", issue, HEADERS);
    assertEquals(stage.vendors.said.map(({ body }) => body.body), ["one", "two", "three"]);
    assertMatch(stage.told(), /this task has sent its 3 replies; no more are sent/);
  });

  it("to six in an hour to one place, whoever asks, and the next hour is another one", async () => {
    await using stage = await openReplies();
    for (let n = 0; n < 7; n++) {
      stage.script();
      await stage.send("github", issue, HEADERS);
    }
    assertEquals(stage.vendors.said.length, 6);
    assertMatch(stage.told(), /no more are sent within an hour than 6 to one place and 60/);
    stage.script();
    await stage.send("github", numbered(8), HEADERS);
    assertEquals(stage.vendors.said.length, 7);
    await anHourLater(stage);
    stage.script();
    await stage.send("github", issue, HEADERS);
    assertEquals(stage.vendors.said.length, 8);
  });

  it("to as many in an hour to a source as the operator says", async () => {
    await using stage = await limited({ per_source: 2, per_task: 1 });
    for (const number of [7, 8, 9]) {
      stage.script();
      await stage.send("github", numbered(number), HEADERS);
    }
    assertEquals(stage.vendors.said.length, 2);
    assertMatch(stage.told(), /than 6 to one place and 2 to a source/);
    stage.script();
    await stage.send("twilio", sms());
    assertEquals(stage.vendors.said.length, 3);
  });

  it("to those of the first try at a task: a retry sends none again", async () => {
    await using stage = await openReplies();
    stage.fake.script = [call("reply", { text: SAID }), finish("No.", "failed")];
    const { task_id } = await stage.send("github", issue, HEADERS);
    stage.script();
    await stage.post(`/api/tasks/${task_id}/retry`, {});
    await stage.work();
    assertEquals([(await stage.task(task_id)).status, stage.vendors.said.length], ["completed", 1]);
    assertMatch(stage.told(), /an earlier try at this task has sent a reply/);
  });

  it("to sources that list the tool, to messages that are signed, and never to others", async () => {
    await using stage = await openReplies({ rules: { sources: { github: { tools: ["reply"] } } } });
    stage.fake.script = [finish("Read")];
    await stage.send("gitlab", {
      object_kind: "issue",
      project: { id: 1 },
      object_attributes: { iid: 1 },
    });
    assert(!toolNames(stage.fake.asked[0]).includes("reply"));
    const rules = (tools: unknown) => openReplies({ rules: { default: tools } });
    let refused = "";
    await rules({ unverified_tools: ["reply"] }).then(
      (opened) => opened[Symbol.asyncDispose](),
      (error) => refused = error.message,
    );
    assertStringIncludes(refused, '"reply" cannot be one of them');
  });

  it("to what a person lets pass where the rules say so, and stay as they were approved", async () => {
    await using stage = await openReplies({
      rules: { default: { tools: ["reply"], approve: ["reply"] } },
    });
    const { task_id } = await stage.send("github", issue, HEADERS);
    assertEquals([stage.vendors.calls, (await stage.task(task_id)).status], [[], "waiting_input"]);
    const asked = await stage.approve(task_id);
    assertEquals(asked.arguments, { text: SAID, to: "o/r#7" });
    assertEquals(stage.vendors.said.length, 1);
    const [{ data }] = eventsOf(await stage.task(task_id), "replied");
    assert(data.approved_by, "nobody's word");
    stage.script();
    const second = await stage.send("github", numbered(8), HEADERS);
    const [{ id }] = (await stage.task(second.task_id)).approvals;
    await stage.post(`/api/tasks/${second.task_id}/deny`, { approval_id: id });
    await stage.work();
    assert(!kinds(await stage.task(second.task_id)).includes("replied"));
    assertEquals(stage.vendors.said.length, 1);
  });
});

async function anHourLater({ otto }: ReplyStage): Promise<void> {
  await otto.services.database.query("let an hour pass", (sql) =>
    sql`
      update reply_rates
      set times = array(select t - interval '61 minutes' from unnest(times) as u(t))`);
}

describe("a person's number", () => {
  const asks = (From: string, listed: string[]) => {
    const { reply, replyApi } = sources.twilio;
    return replyApi.asksFirst!(reply(sms({ From }), SAID)!, listed) !== undefined;
  };

  it("asks for a person's word unless its beginning is listed, whole", () => {
    assertEquals(asks("+4915112345678", []), true);
    assertEquals(asks("+4915112345678", ["+49"]), false);
    assertEquals(asks("+4915112345678", ["+43", "+4915"]), false);
    assertEquals(asks("+4915112345678", ["+491520"]), true);
    assertEquals(asks("+15005550006", ["+1"]), false);
    // One digit is no beginning of a number that has it elsewhere.
    assertEquals(asks("+4412345678901", ["+1"]), true);
    assertEquals(asks("+4412345678901", ["+123"]), true);
  });

  it("of another country with the same beginning asks, until that is listed itself", () => {
    for (const island of ["+12425550100", "+18765550100", "+18095550100", "+17875550100"]) {
      assertEquals(asks(island, ["+1"]), true, island);
      assertEquals(asks(island, ["+12", "+18", "+17"]), true, island);
      assertEquals(asks(island, [island.slice(0, 5)]), false, island);
    }
    assertEquals(asks("+77011234567", ["+7"]), true);
    assertEquals(asks("+77011234567", ["+77"]), false);
    assertEquals(asks("+79161234567", ["+7"]), false);
  });

  it("is a number: letters, a short code, a client or another account get no answer", () => {
    const { reply } = sources.twilio;
    const strange: Record<string, string>[] = [
      { From: "MyBank" },
      { From: "72404" },
      { From: "client:anna" },
      { From: "sip:anna@example.com" },
      { From: "whatsapp:+4915112345678" },
      { From: "whatsapp:MyBank", To: "whatsapp:+15005550001" },
      { From: "messenger:123456", To: "messenger:654321" },
      { From: "+15005550001" },
      { From: "+0151123456" },
      { From: "+49 151 12345678" },
      { From: "+49151٣٤٥٦٧٨٩" },
      { From: "+1234567890123456" },
      { AccountSid: "AC1" },
      { MessageStatus: "delivered" },
      { OptOutType: "HELP" },
    ];
    for (const fields of strange) {
      assertEquals(reply(sms(fields), SAID), undefined, JSON.stringify(fields));
    }
    const other = `AC${"9".repeat(32)}`;
    assertEquals(reply(sms({ AccountSid: other }), SAID)?.account, other);
  });

  it("of another account is not answered, and of this one after a person's word, once", async () => {
    await using stage = await openReplies({ env: { REPLY_TWILIO_PREFIXES: "" } });
    const other = await stage.send("twilio", sms({ AccountSid: `AC${"9".repeat(32)}` }));
    const [{ data }] = eventsOf(await stage.task(other.task_id), "tool_off");
    assertStringIncludes(data.reason, "TWILIO_ACCOUNT_SID is another");
    stage.script();
    const { task_id } = await stage.send("twilio", sms());
    assertEquals(stage.vendors.calls, []);
    const asked = await stage.approve(task_id);
    assertEquals(asked.arguments.to, "SMS to +4915112345678 from +15005550001");
    assertStringIncludes(asked.rule, "needs_word");
    await stage.work();
    assertEquals(stage.vendors.said.length, 1);
  });

  it("is begun by digits in the setting, else the start is refused in words", () => {
    for (const wrong of ["49", "+", "+49x", "+0", "++49", "+٤٩"]) {
      let refused = "";
      try {
        readConfig({ OTTO_DATA_DIR: ":memory:", REPLY_TWILIO_PREFIXES: wrong });
      } catch (error) {
        refused = (error as Error).message;
      }
      assertStringIncludes(refused, "must be beginnings of numbers", wrong);
    }
  });
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { checkReplies } from "../../lib/monitor/reply_checks.ts";
import { drain } from "../../lib/work/drain.ts";
import {
  ACCOUNT,
  API_SECRET,
  type FakeVendors,
  GITHUB_TOKEN,
  KEY,
  sidOf,
  startVendors,
} from "../fakes/vendors.ts";
import { json } from "../otto.ts";
import { ask } from "../queue/contract.ts";
import { type Any, call, eventsOf, finish, issue, openStage, type Stage } from "./stage.ts";

const TOKEN = "twilio-auth-token-4711";
const SMS = {
  MessageSid: `SM${"a".repeat(32)}`,
  AccountSid: ACCOUNT,
  From: "+4915112345678",
  To: "+15005550001",
  Body: "When do you open?",
};
const RULES = { default: { tools: ["reply"] } };

describe("the tool reply", () => {
  let vendors: FakeVendors;
  let stage: Stage;
  let number = 0;

  beforeEach(async () => void (vendors = await startVendors()));
  afterEach(async () => {
    await stage[Symbol.asyncDispose]();
    await vendors[Symbol.asyncDispose]();
  });

  async function open(rules: unknown = RULES, env: Record<string, string> = {}): Promise<void> {
    stage = await openStage(rules, {
      TWILIO_AUTH_TOKEN: TOKEN,
      TWILIO_ACCOUNT_SID: ACCOUNT,
      TWILIO_API_KEY: KEY,
      TWILIO_API_SECRET: API_SECRET,
      TWILIO_API_URL: vendors.url,
      REPLY_TOKEN_GITHUB: GITHUB_TOKEN,
      GITHUB_API_URL: vendors.url,
      ...env,
    });
    script();
  }

  /** For one task; the last step is said again and again. */
  function script(): void {
    stage.fake.script = [call("reply", { text: "We open at nine." }), finish("Answered.")];
  }

  const work = () => drain(stage.otto.services, { maxMs: 20_000, maxItems: 20 });

  /** As Twilio sends it, signed; gives the message. */
  async function sms(fields: Record<string, string> = {}): Promise<Any> {
    const form: Record<string, string> = {
      ...SMS,
      MessageSid: `SM${String(++number).padStart(32, "b")}`,
      ...fields,
    };
    const url = "http://localhost:8000/webhook/twilio";
    const text = url + Object.keys(form).sort().map((name) => name + form[name]).join("");
    const id = await stage.otto.send("twilio", new URLSearchParams(form).toString(), {
      "content-type": "application/x-www-form-urlencoded",
      "x-twilio-signature": createHmac("sha1", TOKEN).update(text).digest("base64"),
    });
    await work();
    return await json(await stage.otto.ask(`/api/messages/${id}`));
  }

  async function approve(taskId: string): Promise<Any> {
    const { approvals: [asked] } = await stage.task(taskId);
    await stage.post(`/api/tasks/${taskId}/approve`, { approval_id: asked.id });
    await work();
    return asked;
  }

  const outbox = async () =>
    (await json(await stage.otto.ask("/api/notifications?channel=reply"))).items;
  const passTime = () =>
    ask(stage.otto.services, (sql) =>
      sql`
      update notifications set lease_until = null where channel = 'reply' and state = 'pending'`);

  it("answers an SMS with a person's word, once, to the right number from the right one", async () => {
    await open();
    const { task_id } = await sms();
    assertEquals(vendors.said, []);
    assertEquals((await stage.task(task_id)).status, "waiting_input");
    const asked = await approve(task_id);
    assertEquals(asked.arguments, {
      text: "We open at nine.",
      to: "SMS to +4915112345678 from +15005550001",
    });
    await work();
    const [{ path, body }, ...more] = vendors.said;
    assertEquals(more, []);
    assertEquals(path, `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`);
    assertEquals(body, { To: SMS.From, From: SMS.To, Body: "We open at nine." });
    const [told] = eventsOf(await stage.task(task_id), "replied");
    assertEquals(told.data.sent_id, sidOf(1));
    assert(told.data.approved_by);
    // What we sent comes back: its status makes no task.
    const status = await sms({
      MessageSid: sidOf(1),
      MessageStatus: "delivered",
      From: SMS.To,
      To: SMS.From,
    });
    assertEquals(status.state, "filtered");
  });

  it("answers numbers whose beginning is listed without asking, up to the limits", async () => {
    await open({ default: { tools: ["reply"], reply: { per_place: 1 } } }, {
      REPLY_TWILIO_PREFIXES: "+49",
    });
    await sms();
    script();
    await sms();
    assertEquals(vendors.said.length, 1);
    script();
    await sms({ From: "+4915100000000" });
    assertEquals(vendors.said.length, 2);
  });

  it("is not there for a number of another shape, a call, or another account", async () => {
    await open(RULES, { REPLY_TWILIO_PREFIXES: "+4,+1" });
    const strange: Record<string, string>[] = [
      { From: "+49151/../../x" },
      { From: "client:anna" },
      { From: "whatsapp:+4915112345678" },
      { AccountSid: `AC${"9".repeat(32)}` },
    ];
    for (const fields of strange) {
      const { task_id } = await sms(fields);
      const task = await stage.task(task_id);
      assertEquals(eventsOf(task, "tool_off").map(({ data }: Any) => data.tool), ["reply"]);
    }
    assertEquals(vendors.calls, []);
  });

  it("comments on the issue, and calls nobody and commands nothing", async () => {
    await open();
    stage.fake.script = [call("reply", { text: "@octocat see this\n/close" }), finish("Done.")];
    const id = await stage.signed(issue);
    await work();
    const [{ path, body }] = vendors.said;
    assertEquals(path, "/repos/o/r/issues/7/comments");
    assertEquals(body, { body: "@\u200Boctocat see this\n\\/close" });
    assertEquals(eventsOf(await stage.task(id), "replied")[0].data.to, "o/r#7");
    const echo = await stage.signed({
      ...issue,
      action: "created",
      comment: { id: 1, node_id: "IC_1", body: body.body },
    }).catch(() => null);
    assertEquals(echo, null);
  });

  it("offers nothing where a payload's names would lead elsewhere", async () => {
    await open();
    for (const full_name of ["o/..", "../r", "o/r/x", "o/r?x", "o/r#x", "o\r\n/r", "//evil.test"]) {
      await stage.signed({ ...issue, repository: { full_name } });
    }
    assertEquals(vendors.calls, []);
  });

  it("sends again after 429 and 500, not after 400, and never follows a redirect", async () => {
    await open();
    vendors.next({ status: 429, retryAfter: "5" }, { status: 500 });
    await stage.signed(issue);
    await work();
    for (let tries = 0; tries < 2; tries++) {
      assertEquals(vendors.said.length, 0);
      await passTime();
      await work();
    }
    assertEquals(vendors.said.length, 1);
    script();
    vendors.next({ status: 422 });
    await stage.signed(issue);
    await work();
    script();
    vendors.next({ status: 302, location: `${vendors.url}/elsewhere` });
    await stage.signed(issue);
    await work();
    const [redirected, refused] = await outbox();
    assertEquals([redirected.state, refused.state], ["dead", "dead"]);
    assertStringIncludes(refused.error, "as scripted");
    assertEquals(vendors.calls.filter(({ path }) => path === "/elsewhere"), []);
    assertEquals(vendors.said.length, 1);
  });

  it("looks before it sends again what may have been sent", async () => {
    await open();
    vendors.next({ lost: true });
    await stage.signed(issue);
    await work();
    await passTime();
    await work();
    assertEquals(vendors.said.length, 1);
    assertEquals((await outbox())[0].state, "sent");
  });

  it("looks through all pages, from before our clock's time on", async () => {
    await open();
    const commit = {
      action: "created",
      repository: { full_name: "o/r" },
      comment: { id: 9, commit_id: "a".repeat(40), body: "Why?" },
      sender: { login: "octocat" },
    };
    for (let n = 0; n < 250; n++) vendors.said.push({ path: "", body: { body: `others ${n}` } });
    for (const payload of [issue, commit]) {
      vendors.calls.length = 0;
      const before = vendors.said.length;
      script();
      vendors.next({ lost: true });
      await stage.signed(payload);
      await work();
      await passTime();
      await work();
      assertEquals(vendors.said.length, before + 1);
      const searches = vendors.calls.filter(({ method }) => method === "GET");
      assertEquals(searches.length, 3);
      const since = searches[0].query.get("since");
      if (payload === issue) assert(Date.now() - Date.parse(since!) >= 600_000, `${since}`);
    }
  });

  it("gives up rather than send twice where too much is written", async () => {
    await open();
    for (let n = 0; n < 2_100; n++) vendors.said.push({ path: "", body: { body: `others ${n}` } });
    vendors.next({ lost: true });
    await stage.signed(issue);
    await work();
    await passTime();
    await work();
    const [{ state, error }] = await outbox();
    assertEquals([state, vendors.said.length], ["dead", 2_101]);
    assertStringIncludes(error, "look there");
  });

  it("is there for nothing that no signature vouches for", async () => {
    await open();
    const task = await stage.task(await stage.unsigned(issue));
    await work();
    assertEquals([task.status, vendors.calls], ["completed", []]);
  });

  it("is not sent again with a task that is", async () => {
    await open();
    stage.fake.script = [call("reply", { text: "We open at nine." }), finish("No.", "failed")];
    const id = await stage.signed(issue);
    await work();
    assertEquals([(await stage.task(id)).status, vendors.said.length], ["failed", 1]);
    script();
    await stage.post(`/api/tasks/${id}/retry`, {});
    await work();
    assertEquals([(await stage.task(id)).status, vendors.said.length], ["completed", 1]);
    const page = await (await stage.otto.ask(`/tasks/${id}`)).text();
    assertStringIncludes(page, "Replied (o/r#7)");
  });

  it("is tried by doctor without any effect", async () => {
    await open();
    const checks = await checkReplies(stage.otto.services.config);
    assertEquals(checks.map(({ status }) => status), ["ok", "ok"]);
    assertEquals(vendors.said, []);
  });
});

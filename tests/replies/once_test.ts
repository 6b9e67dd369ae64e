import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import postgres from "postgres";
import { CALL_MS } from "../../lib/notify/reply/client.ts";
import { eventsOf } from "../agent/stage.ts";
import { startOpenAi } from "../fakes/openai.ts";
import { startFakeSlack } from "../fakes/slack.ts";
import { sidOf } from "../fakes/vendors/twilio.ts";
import { startVendors } from "../fakes/vendors/vendors.ts";
import { call, finish, issue, JSON_TYPE } from "../agent/stage.ts";
import { openOtto } from "../otto.ts";
import { describeWith, startWorker, until } from "../servers/mod.ts";
import { KINDS } from "./kinds.ts";
import { openReplies, RULES, SAID, signed, vendorEnv, workOff } from "./stage.ts";

const LATE_MS = 60_000;
const MENTION = {
  type: "event_callback",
  team_id: "T0",
  api_app_id: "A0OTTO",
  event_id: "Ev1",
  event: { type: "app_mention", user: "U1", channel: "C1", ts: "1700000001.000100", text: "Hi" },
};
const firstOf = (sender: string) => KINDS.find((kind) => kind.sender === sender)!;

describe("a reply whose answer never came", () => {
  for (const sender of ["github", "gitlab", "twilio"]) {
    it(`is found again at ${sender}, and not sent twice`, async () => {
      await using stage = await openReplies();
      const { vendors } = stage;
      const kind = firstOf(sender);
      vendors.next({ lost: true });
      const { task_id } = await stage.send(kind.sender, kind.payload, kind.headers);
      assertMatch(stage.told(), /could not be sent yet\. It is tried again by itself/);
      await stage.passTime();
      await stage.work();
      assertEquals(vendors.said.length, 1);
      const [row] = await stage.outbox();
      assertEquals([row.state, row.error, row.attempts], ["sent", null, 2]);
      const [told] = eventsOf(await stage.task(task_id), "replied");
      assertEquals(told.data.sent_id, { github: "IC_1", gitlab: "1", twilio: sidOf(1) }[sender]);
      assertEquals(vendors.calls.map(({ method }) => method), ["POST", "GET"]);
    });
  }

  it("is no older words of others, though they are the same", async () => {
    await using stage = await openReplies();
    const { vendors } = stage;
    const at = new Date(Date.now() - 24 * 60 * 60_000).toISOString();
    const kinds = [firstOf("gitlab"), firstOf("twilio")]
      .concat(KINDS.filter(({ name }) => name === "a commit"));
    for (const { sender, payload, headers, body } of kinds) {
      vendors.said.length = 0;
      vendors.said.push({ method: "", path: "", body, authorization: "", at });
      stage.script();
      vendors.next({ status: 502 });
      await stage.send(sender, payload, headers);
      await stage.passTime();
      await stage.work();
      assertEquals([vendors.said.length, (await stage.outbox())[0].state], [2, "sent"]);
    }
  });

  it("is found again at Twilio in an account that nobody pays for yet", async () => {
    await using stage = await openReplies();
    const { vendors } = stage;
    vendors.next({ lost: true });
    await stage.send("twilio", firstOf("twilio").payload);
    vendors.said[0].body.Body = `Sent from your Twilio trial account - ${SAID}`;
    await stage.passTime();
    await stage.work();
    assertEquals([vendors.said.length, (await stage.outbox())[0].state], [1, "sent"]);
  });

  it("within ten seconds is given no longer, and found again if it was taken", async () => {
    await using stage = await openReplies();
    const { vendors } = stage;
    const real = AbortSignal.timeout;
    let answer = () => {};
    vendors.next({ slow: new Promise((resolve) => answer = resolve) });
    // Ten seconds are over at once, as soon as the vendor has it.
    AbortSignal.timeout = (ms) => {
      if (ms !== CALL_MS) return real(ms);
      const over = new AbortController();
      until(() => vendors.said.length > 0, { what: "the reply", timeoutMs: LATE_MS })
        .finally(() => over.abort(new DOMException("over", "TimeoutError")));
      return over.signal;
    };
    const kind = firstOf("github");
    try {
      await stage.send(kind.sender, kind.payload, kind.headers);
    } finally {
      AbortSignal.timeout = real;
      answer();
    }
    const [{ state, error }] = await stage.outbox();
    assertEquals(state, "pending");
    assertMatch(error, /did not answer within 10 s/);
    await stage.passTime();
    await stage.work();
    assertEquals([vendors.said.length, (await stage.outbox())[0].state], [1, "sent"]);
  });

  it("is found again in a thread of GitLab's, and in a review's thread, which is a review, too", async () => {
    await using stage = await openReplies();
    const { vendors } = stage;
    for (const name of ["a thread of a merge request", "a review's thread"]) {
      const kind = KINDS.find((each) => each.name === name)!;
      vendors.said.length = 0;
      stage.script();
      vendors.next({ lost: true });
      await stage.send(kind.sender, kind.payload, kind.headers);
      await stage.passTime();
      await stage.work();
      assertEquals([vendors.said.length, (await stage.outbox())[0].state], [1, "sent"]);
      for (const echo of kind.echoes!(1)) {
        const { state } = await stage.send(kind.sender, echo.payload, echo.headers);
        assertEquals(state, "filtered");
      }
    }
  });

  it("is found again in Slack by its mark, whatever Slack has made of its text", async () => {
    await using stage = await openReplies();
    const { slack } = stage;
    slack.next("chat.postMessage", { reset: "after" });
    await stage.send("slack", MENTION);
    const ours = () =>
      slack.posts.filter(({ metadata }) => JSON.stringify(metadata)?.includes("otto_reply"));
    assertEquals(ours().length, 1);
    ours()[0].text = "We open at :nine:";
    await stage.passTime();
    await stage.work();
    assertEquals([ours().length, (await stage.outbox())[0].state], [1, "sent"]);
  });

  it("is given up where the vendor cannot be asked, until a person has looked there", async () => {
    await using stage = await openReplies();
    const { vendors } = stage;
    const kind = firstOf("telegram");
    vendors.next({ lost: true });
    const { task_id } = await stage.send(kind.sender, kind.payload);
    await stage.passTime();
    await stage.work();
    const [{ id, state, error }] = await stage.outbox();
    assertEquals([state, vendors.said.length], ["dead", 1]);
    assertStringIncludes(error, "look there, and retry it only if it is not");
    const task = await stage.task(task_id);
    assertEquals(eventsOf(task, "reply_failed")[0].data.error, error);
    // What they know counts until a try of theirs is in doubt.
    vendors.next({ status: 429 }, { lost: true });
    await stage.post(`/api/notifications/${id}/retry`, {});
    for (const [state, sent] of [["pending", 1], ["pending", 2], ["dead", 2]] as const) {
      await stage.passTime();
      await stage.work();
      assertEquals([(await stage.outbox())[0].state, vendors.said.length], [state, sent]);
    }
    await stage.post(`/api/notifications/${id}/retry`, {});
    await stage.work();
    assertEquals([vendors.said.length, (await stage.outbox())[0].state], [3, "sent"]);
  });

  it("is given up where the vendor lets nobody look, or too much is written to find it", async () => {
    await using stage = await openReplies();
    const { vendors, slack } = stage;
    slack.next("chat.postMessage", { reset: "after" });
    slack.next("conversations.replies", { error: "missing_scope", needed: "channels:history" });
    await stage.send("slack", MENTION);
    await stage.passTime();
    await stage.work();
    const kind = firstOf("github");
    for (let n = 0; n < 2_100; n++) {
      vendors.said.push({ method: "", path: "", body: { body: `others ${n}` }, authorization: "" });
    }
    stage.script();
    vendors.next({ lost: true });
    await stage.send(kind.sender, kind.payload, kind.headers);
    await stage.passTime();
    await stage.work();
    for (const { state, error } of await stage.outbox()) {
      assertEquals(state, "dead");
      assertStringIncludes(error, "it may have been sent");
    }
    assertEquals(vendors.said.length, 2_101);
  });

  it("is looked for on all pages, and from before our clock's time on", async () => {
    await using stage = await openReplies();
    const { vendors } = stage;
    for (let n = 0; n < 250; n++) {
      vendors.said.push({ method: "", path: "", body: { body: `others ${n}` }, authorization: "" });
    }
    for (const name of ["an issue", "a commit"]) {
      const kind = KINDS.find((each) => each.name === name)!;
      vendors.calls.length = 0;
      const before = vendors.said.length;
      stage.script();
      vendors.next({ lost: true });
      await stage.send(kind.sender, kind.payload, kind.headers);
      await stage.passTime();
      await stage.work();
      assertEquals(vendors.said.length, before + 1);
      const searches = vendors.calls.filter(({ method }) => method === "GET");
      assertEquals(searches.length, 3);
      const since = searches[0].query.get("since");
      if (since !== null) assert(Date.now() - Date.parse(since) >= 600_000, since);
    }
  });
});

describeWith({ postgres: true }, "replies of several workers", (servers) => {
  it("go out once each, and never more than the limits say", async () => {
    const DATABASE_URL = await servers.postgres.createDatabase();
    const rules = { default: { tools: ["reply"], reply: { per_place: 3, per_source: 20 } } };
    await using one = await openReplies({ rules, env: { DATABASE_URL } });
    await using other = await openReplies({
      rules,
      env: { DATABASE_URL, ...vendorEnv({ vendors: one.vendors.url, slack: one.slack.url }) },
    });
    // Each task has a model call for the reply, and one for its end.
    for (const stage of [one, other]) {
      stage.fake.script = [
        ({ body }) =>
          body.messages.some(({ role }: { role: string }) => role === "tool")
            ? finish("Answered.")
            : call("reply", { text: SAID }),
      ];
    }
    const headers = { "x-github-event": "issues" };
    for (let n = 1; n <= 8; n++) {
      await one.receive("github", { ...issue, issue: { ...issue.issue, number: n } }, headers);
      await one.receive("github", issue, headers);
    }
    await Promise.all([one, other].map(({ otto }) => workOff(otto.services)));
    const places = one.vendors.said.map(({ path }) => path);
    const often = Map.groupBy(places, (path) => path);
    const seventh = often.get("/repos/o/r/issues/7/comments")!;
    assertEquals([often.size, seventh.length, places.length], [8, 3, 10]);
    assertEquals(other.vendors.said, []);
    const states = (await one.outbox()).map(({ state }) => state);
    assertEquals(states, Array(10).fill("sent"));
  });

  it("are sent once by a worker that is killed while the vendor takes it, and its follower", async () => {
    await using vendors = await startVendors();
    await using slack = await startFakeSlack();
    await using fake = startOpenAi();
    fake.script = [
      ({ body }) =>
        body.messages.some(({ role }: { role: string }) => role === "tool")
          ? finish("Answered.")
          : call("reply", { text: SAID }),
    ];
    const file = await Deno.makeTempFile({ dir: ".", prefix: "reply_test_", suffix: ".json" });
    await Deno.writeTextFile(file, JSON.stringify(RULES));
    const env = {
      ...vendorEnv({ vendors: vendors.url, slack: slack.url }),
      DATABASE_URL: await servers.postgres.createDatabase(),
      OPENAI_API_KEY: "key-4711",
      OPEN_AI_BASE: `${fake.url}/v1`,
      AGENT_CONFIG: file,
    };
    await using otto = await openOtto(env);
    await using worker = await startWorker(env);
    let answer = () => {};
    vendors.next({ slow: new Promise((resolve) => answer = resolve) });
    const body = JSON.stringify(issue);
    const headers = { ...JSON_TYPE, "x-github-event": "issues" };
    await otto.send("github", body, { ...headers, ...await signed("github", body, headers) });
    await until(() => vendors.said.length === 1, { what: "the reply", timeoutMs: LATE_MS });
    await worker.kill();
    answer();
    await using _next = await startWorker(env);
    const sql = postgres(env.DATABASE_URL, { max: 1 });
    try {
      await sql`update notifications set lease_until = null where channel = 'reply'`;
      await until(async () => {
        const rows = await sql`select state from notifications where channel = 'reply'`;
        return rows.length === 1 && rows[0].state === "sent";
      }, { what: "the reply to be found", timeoutMs: LATE_MS });
      await until(async () => {
        const [{ status }] = await sql`select status from tasks`;
        return status === "completed";
      }, { what: "the task's end", timeoutMs: LATE_MS });
      const [{ sent_id, texts }] = await sql`
        select sent_id, (select array_agg(data->>'sent_id') from task_events
          where kind = 'replied') as texts from replies`;
      assertEquals([sent_id, texts], ["IC_1", ["IC_1"]]);
    } finally {
      await sql.end({ timeout: 1 });
      await Deno.remove(file);
    }
    assertEquals(vendors.said.length, 1);
    assertEquals(vendors.calls.map(({ method }) => method), ["POST", "GET"]);
  });
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { callVendor, type VendorAnswer } from "../../lib/notify/reply/client.ts";
import { sources } from "../../sources/mod.ts";
import type { ReplyApi } from "../../sources/reply.ts";
import { call, eventsOf, finish } from "../agent/stage.ts";
import { KINDS } from "./kinds.ts";
import { openReplies, signed } from "./stage.ts";

interface Said {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** The connection ends before all that was announced. */
  cut?: true;
}

const DATE = "Mon, 30 Nov 2026 12:00:00 GMT";
const inSeconds = (seconds: number) => new Date(Date.parse(DATE) + seconds * 1_000);
const RESET = String(inSeconds(1_800).getTime() / 1_000);

/** What is understood of one answer to a call that would say something. */
async function understood(vendor: "github" | "gitlab" | "slack" | "telegram", said: Said) {
  const server = createServer((_, response) => {
    const { status, headers = {}, body = "{}", cut } = said;
    response.writeHead(status, { ...headers, "content-length": body.length + (cut ? 10 : 0) });
    response.write(body);
    if (cut) response.socket!.end();
    else response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const access = { url: `http://127.0.0.1:${port}`, token: "1:token-canary-4711" };
  const api: ReplyApi = sources[vendor].replyApi;
  try {
    return await callVendor(api, access, { method: "POST", path: "/x", body: { text: "Hi" } });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function isNo(answer: VendorAnswer): VendorAnswer & { ok: false } {
  assert(!answer.ok, JSON.stringify(answer));
  return answer;
}

describe("a vendor's wish to be left alone", () => {
  const limit = (body: string, headers: Record<string, string>, status = 403): Said => ({
    status,
    headers: { date: DATE, ...headers },
    body: JSON.stringify({ message: body }),
  });
  const cases: [string, Said, number][] = [
    ["in seconds", limit("x", { "retry-after": "40" }, 429), 40],
    ["in parts of seconds", limit("x", { "retry-after": "5.5" }, 429), 6],
    [
      "as a date, by its own clock",
      limit("x", { "retry-after": inSeconds(90).toUTCString() }, 429),
      90,
    ],
    ["for days", limit("x", { "retry-after": "999999" }, 429), 3_600],
    ["in words", limit("x", { "retry-after": "soon" }, 429), 60],
    ["without a time", limit("x", {}, 429), 60],
    [
      "until the hour's calls are new",
      limit("API rate limit exceeded", {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": RESET,
      }),
      1_800,
    ],
    [
      "GitLab's alike",
      limit("x", { "ratelimit-remaining": "0", "ratelimit-reset": RESET }, 429),
      1_800,
    ],
    [
      "by the secondary limit, whose hour is not over",
      limit("You have exceeded a secondary rate limit", {
        "x-ratelimit-remaining": "4999",
        "x-ratelimit-reset": RESET,
      }),
      60,
    ],
    ["as old GitHubs say", limit("You have triggered an abuse detection mechanism", {}), 60],
  ];
  for (const [name, said, seconds] of cases) {
    it(`is heard ${name}`, async () => {
      const { later, unsure, retryAfterSeconds } = isNo(await understood("github", said));
      assertEquals([later, unsure, retryAfterSeconds], [true, false, seconds]);
    });
  }

  it("is heard where it stands among the errors, which are told", async () => {
    const errors = [{
      resource: "IssueComment",
      code: "custom",
      message: "was submitted too quickly",
    }];
    const body = JSON.stringify({ message: "Validation Failed", errors });
    const answer = isNo(await understood("github", { status: 422, body }));
    assertEquals([answer.later, answer.unsure, answer.retryAfterSeconds], [true, false, 60]);
    assertEquals(answer.error, "answered 422: Validation Failed: was submitted too quickly");
    const wrong = JSON.stringify({
      message: "Validation Failed",
      errors: ["body is too long", {}],
    });
    assertMatch(isNo(await understood("github", { status: 422, body: wrong })).error, /too long$/);
  });

  it("of no time at all is not asked again at once", async () => {
    await using stage = await openReplies();
    const { sender, payload, headers } = KINDS[0];
    stage.vendors.next({ status: 429, headers: { "retry-after": "0" } });
    await stage.send(sender, payload, headers);
    const [{ wait }] = await stage.otto.services.database.query(
      "see how long it waits",
      (sql) =>
        sql<{ wait: number }[]>`
        select extract(epoch from lease_until - now())::float8 as wait from notifications
        where channel = 'reply' and state = 'pending'`,
    );
    assert(wait > 0, `${wait}`);
  });
});

describe("an answer that says nothing of what was sent", () => {
  const doubtful: [string, "github" | "gitlab" | "slack" | "telegram", Said][] = [
    ["cut off", "github", { status: 201, body: '{"node_id":"IC_1"', cut: true }],
    ["half of its JSON", "github", { status: 201, body: '{"node_id":"IC_1"' }],
    ["a page", "telegram", { status: 200, body: "<html>Sign in</html>" }],
    ["empty", "gitlab", { status: 200, body: "" }],
    ["500", "github", { status: 500 }],
    ["502 as a page", "gitlab", { status: 502, body: "<html>" }],
    ["504", "telegram", { status: 504, body: '{"ok":false,"description":"x"}' }],
    ["408", "github", { status: 408 }],
    ["Slack's fatal_error", "slack", { status: 200, body: '{"ok":false,"error":"fatal_error"}' }],
    ["Slack's internal_error", "slack", {
      status: 200,
      body: '{"ok":false,"error":"internal_error"}',
    }],
  ];
  for (const [name, vendor, said] of doubtful) {
    it(`leaves it in doubt: ${name}`, async () => {
      const { later, unsure } = isNo(await understood(vendor, said));
      assertEquals([later, unsure], [true, true]);
    });
  }

  it("is none of the API's, though it is JSON: it is asked whether it was sent", async () => {
    await using stage = await openReplies();
    const kinds = ["an issue", "a commit", "an SMS"]
      .map((name) => KINDS.find((each) => each.name === name)!);
    kinds.push(KINDS.find((each) => each.sender === "gitlab" && each.name === "a commit")!);
    for (const { sender, payload, headers } of kinds) {
      stage.script();
      stage.vendors.next({ status: 200, body: { status: "fine" } });
      const before = stage.vendors.said.length;
      await stage.send(sender, payload, headers);
      const [{ state, error }] = await stage.outbox();
      assertEquals([state, error], ["pending", "answered 200 with what is no answer of this API"]);
      await stage.passTime();
      await stage.work();
      assertEquals([(await stage.outbox())[0].state, stage.vendors.said.length], [
        "sent",
        before + 1,
      ]);
    }
  });

  it("is looked for in Slack after a fatal error, and not said twice", async () => {
    await using stage = await openReplies();
    stage.slack.next("chat.postMessage", { error: "fatal_error", taken: true });
    await stage.send("slack", {
      type: "event_callback",
      team_id: "T0",
      event_id: "Ev1",
      event: { type: "app_mention", user: "U1", channel: "C1", ts: "1700000001.0001", text: "Hi" },
    });
    await stage.passTime();
    await stage.work();
    const sent = stage.slack.called("chat.postMessage")
      .filter(({ args }) => args.metadata?.event_type === "otto_reply");
    assertEquals([sent.length, (await stage.outbox())[0].state], [1, "sent"]);
  });
});

describe("a reply", () => {
  const { sender, payload, headers } = KINDS[0];

  it("that nobody could send for hours is no answer any more, until a person says that it is", async () => {
    await using stage = await openReplies();
    stage.vendors.next({ status: 429, headers: { "retry-after": "3600" } });
    const { task_id } = await stage.send(sender, payload, headers);
    await stage.otto.services.database.query("let hours pass", (sql) =>
      sql`
        update notifications set created_at = created_at - interval '7 hours' where channel = 'reply'`);
    await stage.passTime();
    await stage.work();
    const [{ id, state, error }] = await stage.outbox();
    assertEquals([state, stage.vendors.said], ["dead", []]);
    assertMatch(error, /written more than 6 hours ago/);
    assertEquals(eventsOf(await stage.task(task_id), "reply_failed").length, 1);
    // Its age counts from there, for all tries of that round.
    stage.vendors.next({ status: 429 }, { status: 429 });
    await stage.post(`/api/notifications/${id}/retry`, {});
    for (const state of ["pending", "pending", "sent"]) {
      await stage.passTime();
      await stage.work();
      assertEquals((await stage.outbox())[0].state, state);
    }
    assertEquals(stage.vendors.said.length, 1);
  });

  it("is as long as the vendor takes it, with all that is put in", async () => {
    await using stage = await openReplies();
    const telegram = KINDS.find((each) => each.sender === "telegram")!;
    stage.fake.script = [
      call("reply", { text: "@a ".repeat(1_300) }),
      call("reply", { text: "😀".repeat(2_048) }),
      call("reply", { text: `${"😀".repeat(2_048)}!` }),
      finish("Done"),
    ];
    await stage.send("telegram", telegram.payload);
    assertEquals(stage.vendors.said.map(({ body }) => body.text), ["😀".repeat(2_048)]);
    assertEquals(stage.told().split("as it is sent it has more than 4096 characters").length, 3);
  });

  it("to a source that is like another is not by that one's credential, and that is said", async () => {
    await using stage = await openReplies({
      sources: { acme: { scheme: { type: "like", source: "github" } } },
      env: { WEBHOOK_SECRET_ACME: "replies-secret-4711" },
    });
    const body = JSON.stringify(payload);
    const proof = await signed("github", body, headers!);
    const id = await stage.otto.send("acme", body, {
      "content-type": "application/json",
      ...headers,
      ...proof,
    });
    await stage.work();
    const { task_id, verification } = await stage.get(`/api/messages/${id}`);
    assertEquals([verification, stage.vendors.calls], ["verified", []]);
    const [{ data }] = eventsOf(await stage.task(task_id), "tool_off");
    assertEquals(
      data.reason,
      "REPLY_TOKEN_GITHUB is for messages of github, and these are of acme",
    );
  });
});

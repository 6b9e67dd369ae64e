import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { callVendor } from "../../lib/notify/reply/client.ts";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { fingerprint } from "../../lib/agent/canonical.ts";
import { startVendors } from "../fakes/vendors/vendors.ts";
import { type Any, issue } from "../agent/stage.ts";
import { KINDS } from "./kinds.ts";
import { openReplies, SAID } from "./stage.ts";

/** What somebody would write who wants a reply to go elsewhere. */
const EVIL: unknown[] = [
  "../../../evil",
  "..%2f..%2fevil",
  "%2e%2e/evil",
  "7/../../../evil",
  "7%2fcomments",
  "7?x=",
  "7#x",
  "7;x",
  "7\\evil",
  "@evil.test",
  "x@evil.test/",
  "//evil.test/",
  "https://evil.test/7",
  "evil.test:443",
  "7\r\nHost: evil.test",
  "7\u0000",
  "7\n",
  " 7",
  "+7",
  "0x7",
  "7e2",
  "७",
  "７",
  "٧",
  "1".repeat(400),
  "9007199254740993",
  9007199254740993,
  1e21,
  -7,
  7.5,
  0,
  ["7"],
  [7],
  { toString: "7" },
  { 0: "7" },
  true,
  null,
  "",
  "me",
  "__proto__",
  "constructor",
];

/** Every place where a payload says something. */
function leaves(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key]));
}

function withLeaf(payload: unknown, path: (string | number)[], evil: unknown): unknown {
  const copy = structuredClone(payload) as Any;
  const last = path.at(-1)!;
  const parent = path.slice(0, -1).reduce((at, key) => at[key], copy);
  parent[last] = evil;
  return copy;
}

/** What paths of one kind look like: constants, and ids in place of ids. */
const SHAPES: Record<string, RegExp[]> = {
  github: [
    /^\/repos\/[A-Za-z0-9][\w-]*\/[\w.-]+\/issues\/[1-9]\d{0,15}\/comments$/,
    /^\/repos\/[A-Za-z0-9][\w-]*\/[\w.-]+\/pulls\/[1-9]\d{0,15}\/comments\/[1-9]\d{0,15}\/replies$/,
    /^\/repos\/[A-Za-z0-9][\w-]*\/[\w.-]+\/commits\/[0-9a-f]{40}\/comments$/,
  ],
  gitlab: [
    /^\/projects\/[1-9]\d{0,15}\/(issues|merge_requests|snippets)\/[1-9]\d{0,15}\/(discussions\/[0-9a-f]{40}\/)?notes$/,
    /^\/projects\/[1-9]\d{0,15}\/repository\/commits\/[0-9a-f]{40,64}\/comments$/,
  ],
  telegram: [/^\/sendMessage$/],
  twilio: [/^\/Messages\.json$/],
  slack: [/^\/chat\.postMessage$/],
};
const FIELDS: Record<string, (body: Any) => boolean> = {
  github: ({ body, ...rest }) => body === SAID && Object.keys(rest).length === 0,
  gitlab: ({ body, note, internal = true, ...rest }) =>
    (body ?? note) === SAID && internal === true && Object.keys(rest).length === 0,
  telegram: ({ chat_id, text, reply_parameters, message_thread_id = 1, link_preview_options }) =>
    [chat_id, reply_parameters.message_id, message_thread_id].every(Number.isSafeInteger) &&
    text === SAID && link_preview_options.is_disabled,
  twilio: ({ To, From, Body }) =>
    /^(whatsapp:)?\+[1-9]\d{6,14}$/.test(To) &&
    /^(whatsapp:)?(\+[1-9]\d{6,14}|\d{3,8})$/.test(From) && Body === SAID,
  slack: ({ channel, thread_ts, text }) =>
    /^[A-Z0-9]{2,40}$/.test(channel) && /^\d{1,12}\.\d{1,9}$/.test(thread_ts) && text === SAID,
};
const SLACK = {
  sender: "slack" as const,
  payload: {
    type: "event_callback",
    team_id: "T0",
    event: { type: "message", channel: "C1", ts: "1700000001.000100", user: "U1", text: "Hi" },
  },
};

describe("where a reply goes", () => {
  it("is said by every module that has an API, and tried here for each of them", () => {
    const answering = Object.entries<Source>(sources)
      .filter(([, { reply, replyApi }]) => reply !== undefined || replyApi !== undefined);
    for (const [name, { reply, replyApi, sentReply }] of answering) {
      assert(reply && replyApi && sentReply, name);
      assert(URL.parse(replyApi.url)?.protocol === "https:", name);
    }
    assertEquals(answering.map(([name]) => name).sort(), Object.keys(SHAPES).sort());
  });

  for (const name of Object.keys(SHAPES)) {
    it(`is made of ids alone, whatever stands in a payload of ${name}`, () => {
      const { reply, sentReply } = (sources as Record<string, Source>)[name];
      let tried = 0;
      for (const { sender, payload } of [...KINDS, SLACK]) {
        if (sender !== name) continue;
        const honest = reply!(payload, SAID)!;
        for (const path of leaves(payload)) {
          for (const evil of EVIL) {
            const hostile = withLeaf(payload, path, evil);
            tried++;
            sentReply!(hostile);
            const call = reply!(hostile, SAID);
            if (call === undefined) continue;
            const where = `${path.join(".")} = ${JSON.stringify(evil)}: ${call.path}`;
            assert(SHAPES[name].some((shape) => shape.test(call.path)), where);
            assert(FIELDS[name](call.body), `${where} ${JSON.stringify(call.body)}`);
            assert(!/evil|\p{C}/u.test(JSON.stringify(call)), where);
            // A number that JSON has rounded is somebody else's.
            assert(!/9007199254740992|e\+/.test(JSON.stringify(call)), where);
            assertEquals(call.path.split("/").length <= honest.path.split("/").length + 2, true);
          }
        }
      }
      assert(tried > 100, `${tried}`);
    });
  }

  it("is below the address that is set: no path leads out of it, and no redirect", async () => {
    await using vendors = await startVendors();
    const api = sources.github.replyApi;
    const access = { url: `${vendors.url}/api/v3`, token: "token-canary-4711" };
    const out = [
      "/../x",
      "/./x",
      "/%2e%2e/x",
      "/a/../../x",
      "//evil.test/x",
      "@evil.test/x",
      "/a\\..\\x",
      "/a b",
      "/a?x",
      "/a#x",
      "",
      "x",
      "/a//b",
      "/a\r\nx",
      "/ａ",
    ];
    for (const path of out) {
      const answer = await callVendor(api, access, { method: "POST", path, body: {} });
      assert(!answer.ok && !answer.later && !answer.unsure, path);
    }
    assertEquals(vendors.calls, []);
    vendors.next({ status: 302, headers: { location: `${vendors.url}/elsewhere` } });
    const path = "/repos/o/r/issues/7/comments";
    const answer = await callVendor(api, access, { method: "POST", path, body: {} });
    assert(!answer.ok && !answer.later, "followed");
    assertEquals(vendors.calls.map(({ path }) => path), [`/api/v3${path}`]);
  });

  it("is a part of what people approve", () => {
    const there = { tool: "reply", arguments: { text: SAID, to: "o/r#7" } };
    const elsewhere = { tool: "reply", arguments: { text: SAID, to: "o/r#8" } };
    assert(fingerprint(there) !== fingerprint(elsewhere));
  });

  it("is nowhere for a message that no signature vouches for, or that names no place", async () => {
    await using stage = await openReplies({ env: { GITHUB_WEBHOOK_SECRET: "" } });
    const unsigned = await stage.otto.send("github", JSON.stringify(issue), {
      "content-type": "application/json",
      "x-github-event": "issues",
    });
    await stage.work();
    assertEquals((await stage.get(`/api/messages/${unsigned}`)).verification, "unverified");
    stage.script();
    const discussion = { action: "created", discussion: { number: 3, title: "Ideas" } };
    await stage.send("gitlab", { object_kind: "feature_flag", ...discussion });
    assertEquals([stage.vendors.calls, await stage.outbox()], [[], []]);
  });
});

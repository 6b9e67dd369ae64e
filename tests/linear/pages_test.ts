import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { renderChanges } from "../../handlers/pages/rows.ts";
import { curlOf } from "../../handlers/views/parts/curl.ts";
import { jsonTree } from "../../handlers/views/parts/json_tree.ts";
import { markdown } from "../../handlers/views/parts/markdown.ts";
import { spansOf } from "../../handlers/views/task/spans.ts";
import { waterfall } from "../../handlers/views/task/waterfall.ts";
import { canonicalJson } from "../../lib/agent/canonical.ts";
import { digestAgent } from "../../lib/agent/digest.ts";
import { cleanText, fenced } from "../../lib/agent/fence.ts";
import { outline } from "../../lib/agent/prompt.ts";
import { clampOutput } from "../../lib/agent/run/clamp_output.ts";
import { getPayload, searchPayload } from "../../lib/agent/tools/payload.ts";
import type { ToolContext } from "../../lib/agent/tools/tool.ts";
import { encodePickle } from "../../lib/arq/pickle/encode.ts";
import { findJsonFault } from "../../lib/config/json_fault.ts";
import { endOf } from "../../lib/jobs/result.ts";
import type { LiveEvent } from "../../lib/live/live.ts";
import { firstLine, plainMarkdown } from "../../lib/markdown/plain.ts";
import { editableOf, MOST_EDITED_BYTES, typedBytes } from "../../lib/message/edit.ts";
import { indentJson } from "../../lib/message/json_indent.ts";
import type { Notification } from "../../lib/notify/notification.ts";
import { readAnswerValue, showNote, showTask } from "../../lib/notify/slack/blocks.ts";
import { unescape } from "../../lib/notify/slack/text.ts";
import { maskHeaders, maskUrl } from "../../lib/redaction/mask.ts";
import { createRedactor, redactAll } from "../../lib/redaction/redact.ts";
import type { Approval } from "../../lib/task/approval.ts";
import type { Task, TaskEvent } from "../../lib/task/task.ts";
import { layOutJson } from "../../sources/kit/json_layout.ts";
import { openOtto, type Otto } from "../otto.ts";
import { assertLinear, type Reader, reader } from "./measure.ts";

/** A text of so many characters, of a part again and again. */
const filled = (part: string, size: number) => part.repeat(Math.ceil(size / part.length));
const bytes = (text: string) => new TextEncoder().encode(text);
/** Markdown is shown up to a little more: what is cut is another text. */
const MOST_MARKDOWN = 59_000;
/** A line of it is read up to here. */
const MOST_LINE = 3_900;
/** A URL that the server lets in has no more. */
const MOST_URL = 64 * 1024;
const redact = createRedactor(() => ["a secret of ours", filled("a", 40)]);

/** Backticks in runs of different lengths: none closes another. */
const runs = (size: number) =>
  Array.from({ length: Math.sqrt(2 * size) }, (_, i) => "`".repeat(i + 1)).join("x");

const MARKS: [name: string, make: (size: number) => string][] = [
  ...[
    "*",
    "_",
    "`",
    "[",
    "](",
    "![[",
    "**a",
    "_a ",
    "*a*",
    "~~a",
    "__a ",
    "[]",
    "[a](",
    "\\",
    "h",
    "https://",
    "<https:",
  ]
    .map((part): [string, (size: number) => string] => [part, (size) => filled(part, size)]),
  ["runs of backticks", runs],
  ["a link without an end", (size) => `${filled("[", size / 2)}](${filled("a", size / 2)}`],
  ["a title without an end", (size) => filled('[a](b "', size)],
  ["a target of parentheses", (size) => `[a](${filled("(a)", size)}(`],
  ["targets of parentheses", (size) => filled("[](()(", size)],
  ["a URL of dots", (size) => `https://${filled(".", size)}`],
];

const pages: Reader[] = [
  ...[
    ["a heading of marks", (size: number) => `# ${filled("# ", size)}x`],
    ["a heading of spaces", (size: number) => `# a${filled(" ", size)}x`],
    ["an item of spaces", (size: number) => `- ${filled(" ", size)}\u2028x`],
    ["a fence of tildes", (size: number) => `${filled("~", size)}\``],
    ["a fence of spaces", (size: number) => `\`\`\`${filled(" ", size)}\``],
    ["a rule of spaces", (size: number) => `${filled("- ", size)}x`],
    ["quotes", (size: number) => filled("> ", size)],
    ["lists", (size: number) => filled("  - a\n", size)],
    ["items in items", (size: number) => filled("- - - - a\n    - b\n", size)],
    ["fences without an end", (size: number) => filled("```\n~~~\n", size)],
    ["empty lines", (size: number) => filled("\n", size)],
    ["a line of pipes", (size: number) => `${filled("|", size / 2)}\n${filled("-|", size / 2)}`],
    ["tables", (size: number) => filled("a|b\n-|-\n\n", size)],
    ["heads of tables", (size: number) => filled("a|b\n-|x\n", size)],
    ["marks of tables", (size: number) => filled("|-", size)],
    ["a table of short rows", (size: number) => {
      const columns = 40;
      return `${filled("a|", 2 * columns)}\n${filled("-|", 2 * columns)}\n${filled("a\n", size)}`;
    }],
    ["a table of wide rows", (size: number) => `a|b\n-|-\n${filled("a|", size)}`],
    ["cells of backslashes", (size: number) => `a|b\n-|-\n${filled("\\", size)}`],
    ["indented code", (size: number) => filled("    \n", size)],
    ...MARKS.map(([name, make]) =>
      [
        `lines of ${name}`,
        (size: number) => filled(`${make(MOST_LINE).slice(0, MOST_LINE)}\n`, size),
      ] as const
    ),
    ...MARKS.map(([name, make]) => [`one line of ${name}`, make] as const),
  ].map(([name, make]) =>
    reader({
      name: `showing ${name}`,
      worst: make as (size: number) => string,
      read: (text) => [String(markdown(text)), plainMarkdown(text)],
      most: MOST_MARKDOWN,
    })
  ),
  ...MARKS.map(([name, make]) =>
    reader({
      name: `telling in one line ${name}`,
      worst: (size) => `a${make(size)}`,
      read: firstLine,
    })
  ),
  ...[
    ["a wide tree", (size: number) => Array.from({ length: size / 10 }, () => ({}))],
    [
      "a deep tree",
      (size: number) => JSON.parse(`${filled('{"a":', size)}1${"}".repeat(Math.ceil(size / 5))}`),
    ],
    ["long names", (size: number) => ({ [filled("a", size)]: filled("b", size) })],
  ].map(([name, make]) =>
    reader({
      name: `drawing ${name}`,
      worst: make as (size: number) => unknown,
      read: (value) => String(jsonTree(value)),
      // What is parsed nests no deeper than a few thousand such characters.
      most: name === "a deep tree" ? 2_500 : 400_000,
    })
  ),
  ...["'", "\u202e", "\n"].map((part) =>
    reader({
      name: `writing a command with ${JSON.stringify(part)}`,
      worst: (size) => bytes(filled(part, size)),
      read: (body) => curlOf({ id: "id", url: "https://a.example/", headers: new Headers(), body }),
    })
  ),
  ...["token&a&", "token=1&", "TOKEN&tOken&", "a=%&", "@", ":"].map((part) =>
    reader({
      name: `masking a URL of ${part}`,
      worst: (size) => `https://a.example/?${filled(part, size)}`,
      read: (url) => [maskUrl(url, ["a"]), maskHeaders(new Headers({ referer: url }))],
      most: MOST_URL,
    })
  ),
  ...[
    ["calls that never end", ["tool_call"]],
    ["questions", ["tool_call", "waiting_input"]],
    ["waits", ["put_off", "approval_requested", "waiting_input"]],
    ["calls and results", ["tool_call", "tool_result"]],
    ["steps", ["step", "note"]],
  ].map(([name, kinds]) =>
    reader({
      name: `drawing a waterfall of ${name}`,
      worst: (size) => Array.from({ length: size }, (_, i) => eventOf(kinds[i % kinds.length], i)),
      read: (events) => String(waterfall(spansOf(TASK, events, NOW))),
      most: 40_000,
    })
  ),
];

/** Nothing here was refused. */
const UNREAD = { describe: () => Promise.reject(new Error("nobody asks")) };

const NOW = Date.parse("2026-01-02T03:04:05Z");
const TASK: Task = {
  id: "t",
  message_id: "m",
  source: "generic",
  webhook_type: "demo",
  title: "t",
  description: "d",
  status: "running",
  phase: "working",
  assigned_to: { id: "u", email: "u@example.com", name: "U" },
  result: null,
  error: null,
  question: null,
  question_id: null,
  created_at: new Date(NOW),
  started_at: null,
  finished_at: null,
  waited_ms: 0,
  waiting_for: null,
  put_off: null,
  subject: null,
  messages: 1,
  unread: 0,
};
const eventOf = (kind: string, at: number): TaskEvent => ({
  id: `${at}`,
  task_id: "t",
  at: new Date(NOW + at),
  kind,
  actor: "agent",
  content: null,
  data: { tool: `tool ${at}` },
});

const assignmentOf = (payload: unknown, text = "") => ({
  taskId: "t",
  epoch: 1,
  title: "t",
  description: "d",
  source: "generic",
  webhookType: "demo",
  described: { title: "t", description: "d", text },
  payload,
  loadPayload: () => Promise.resolve(payload),
  verified: true,
  fromHere: false,
  receivedAt: new Date(NOW),
});
const fence = (value: unknown, what: string) =>
  fenced(value, { boundary: "b", source: "generic", verified: true, what });
const contextOf = (payload: unknown) =>
  ({ assignment: assignmentOf(payload), fence }) as unknown as ToolContext;
const never = new AbortController().signal;

const agents: Reader[] = [
  ...["\u0301\u0316", "\u0316\u0301", "\u200b", "\ud800", "ﷺ", "각"].map((part) =>
    reader({
      name: `cleaning ${JSON.stringify(part)}`,
      worst: (size) => filled(part, size),
      read: cleanText,
    })
  ),
  ...[
    "eyJ-",
    "eyJaaaaaaaa.",
    "token=",
    "password:   ",
    "Basic ",
    "token: a-",
    "secret = a.b1",
    "key: aB",
    "a.webhook.office.com/webhookb2/",
    "abc1Q~",
    "dp.pt.a",
    "://a:",
    "SG.",
    "-----BEGIN A",
    "12345678:",
  ].map((part) =>
    reader({
      name: `looking for secrets among ${part}`,
      worst: (size) => filled(part, size),
      read: redact,
    })
  ),
  ...[
    ["a wide payload", (size: number) => Array.from({ length: size / 10 }, (_, at) => ({ at }))],
    [
      "many names",
      (size: number) =>
        Object.fromEntries(Array.from({ length: size / 10 }, (_, at) => [`n${at}`, at])),
    ],
    ["long names in each other", (size: number) => {
      const name = filled("n", size / 100);
      return Array.from({ length: 100 }).reduce(
        (inner) => ({ [name]: inner, x: "x" }),
        1 as unknown,
      );
    }],
    ["a long text", (size: number) => ({ text: filled("<x ", size) })],
  ].map(([name, make]) =>
    reader({
      name: `handing ${name} to a model`,
      worst: make as (size: number) => unknown,
      read: async (payload) => {
        fence(redactAll(payload, redact), "payload");
        outline(payload);
        canonicalJson(payload);
        await searchPayload.run({ text: "x", message: 1 }, contextOf(payload), never);
        await getPayload.run({ path: "", offset: 0, message: 1 }, contextOf(payload), never);
      },
      most: 400_000,
    })
  ),
  ...["`", "[", "*"].map((part) =>
    reader({
      name: `writing a digest of ${part}`,
      worst: (size) => assignmentOf({}, filled(part, size)),
      read: (assignment) => digestAgent.run(assignment, never),
    })
  ),
  reader({
    name: "clamping an answer of many calls",
    worst: (size) => {
      const calls = Array.from({ length: size / 100 }, (_, at) => ({
        id: `${at}`,
        tool: `tool ${at}`,
        arguments: {},
      }));
      return {
        text: "",
        calls,
        turns: [{
          role: "assistant" as const,
          content: calls.map(({ id, tool }) => ({
            type: "tool-call" as const,
            toolCallId: id,
            toolName: tool,
            input: {},
          })),
        }],
        finish: "tool-calls",
        tokens: { input: 0, output: 0 },
        off: [],
      };
    },
    read: (step) => clampOutput(step, { callsLeft: 3 }),
    most: 400_000,
  }),
];

const approvalOf = (given: unknown): Approval => ({
  id: "a",
  task_id: "t",
  tool: "tool",
  arguments: given,
  rule: "rule",
  state: "pending",
  requested_at: new Date(NOW),
  expires_at: new Date(NOW),
  decided_by: null,
  decided_at: null,
});
const slackOptions = { answerable: true, redact };

const told: Reader[] = [
  ...["<", "&", "\u202e", "👩‍", "\u0301"].map((part) =>
    reader({
      name: `telling Slack ${JSON.stringify(part)}`,
      worst: (size) => filled(part, size),
      read: (text) => [
        showNote(text, redact),
        showTask(
          {
            task: { ...TASK, title: text, status: "completed", result: { text, data: null } },
            approvals: [],
            later: 0,
            version: 1,
          },
          slackOptions,
        ),
        unescape(text),
        readAnswerValue(filled(":1", text.length)),
      ],
    })
  ),
  reader({
    name: "asking Slack about arguments that nest deep",
    worst: (size) => {
      const depth = Math.floor(size / 40);
      return JSON.parse(`${"[".repeat(depth)}${filled("1,", size)}1${"]".repeat(depth)}`);
    },
    read: (given) =>
      showTask({
        task: { ...TASK, status: "waiting_input" },
        approvals: [approvalOf(given)],
        later: 0,
        version: 1,
      }, slackOptions),
    most: MOST_URL,
  }),
  ...[
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN A ",
    "-----BEGIN PRIVATE KEY-----\n-----END A ",
    "PRIVATE KEY",
    "%61",
    "\\u0061",
    "&#97;",
    "&aaaaaaaaa",
    "\x1b[1;",
    "\\\\\\",
    "а́",
    "asec ",
    "YXNlY3JldG9m",
    "YXNlY3JldG9mWVhObA== ",
    "61736563726574",
    `ghp_${filled("a", 50)}_`,
    "github_pat_a",
    "xoxb-",
    "sk-",
    "sk-live_",
    "whsec_+",
    "AKIAA",
    "a",
  ].map((part) =>
    reader({ name: `redacting ${part}`, worst: (size) => filled(part, size), read: redact })
  ),
];

const edited: Reader[] = [
  ...["[", '{"a":', '"', '\\"', ",", ":", "}", "1 ", "/*", "//\n", "[1,,", '{"a" 1,', "{1,", "\n"]
    .map((part) =>
      reader({
        name: `finding what is wrong in ${JSON.stringify(part)}`,
        worst: (size) => filled(part, size),
        read: findJsonFault,
        most: MOST_EDITED_BYTES,
      })
    ),
  reader({
    name: "laying out a body that nests deep",
    worst: (size) => bytes(`${"[".repeat(size / 2)}${"]".repeat(size / 2)}`),
    read: (body) => editableOf({ body, size: body.length, headers: new Headers() }),
    most: 8_000,
  }),
  ...["\r", "\r\n", "\n"].map((part) =>
    reader({
      name: `reading line ends of ${JSON.stringify(part)}`,
      worst: (size) => filled(part, size),
      read: (text) => typedBytes({ text: `${text}\r\n`, isJson: false }, `${text}x`),
    })
  ),
];

for (
  const [what, rows] of Object.entries({
    "a page": pages,
    "an agent's input and output": agents,
    "what people are told": told,
    "a body in a person's hands": edited,
  })
) {
  describe(`the time for ${what} grows no faster than it:`, () => {
    for (const row of rows) it(row.name, () => assertLinear(row));
  });
}

describe("the time for changes that are told together", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openOtto();
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("grows no faster than they do", async () => {
    const { database } = otto.services;
    await assertLinear(reader({
      name: "telling notifications",
      worst: (
        size,
      ) => [{ cursor: "1-1", items: Array.from({ length: size }, (_, at) => itemOf(at)) }],
      read: (events: LiveEvent[]) =>
        renderChanges({ database, nameOf: () => "", reader: UNREAD }, events),
      most: 40_000,
    }));
  });
});

/** Every second one is read. */
function itemOf(at: number): LiveEvent["items"][number] {
  const item: Notification = {
    id: `${at}`,
    task_id: null,
    message_id: null,
    channel: "web",
    destination: "web",
    kind: "note",
    text: "t",
    state: "sent",
    attempts: 1,
    error: null,
    created_at: new Date(NOW),
    sent_at: null,
    read_at: at % 2 ? new Date(NOW) : null,
  };
  return { kind: "notification", id: item.id, item };
}

describe("JSON over several lines", () => {
  const nested = (depth: number, items: number) =>
    `${"[".repeat(depth)}${filled("1,", 2 * items)}1${"]".repeat(depth)}`;

  it("is never far longer than what it says", () => {
    const compact = nested(2_000, 20_000);
    assertEquals(layOutJson(JSON.parse(compact)), compact);
    assertEquals(indentJson(compact, MOST_EDITED_BYTES), undefined);
    const bytes = encodePickle({
      ...{ t: 1, f: "run_task", a: [], k: {}, et: 0, s: true, st: 0, ft: 0, q: "q", id: "id" },
      r: JSON.parse(nested(190, 20_000)),
    });
    const end = endOf({ bytes: Buffer.from(bytes), whole: true }, null);
    assert(end?.status === "completed");
    assert(end.result.text.length < 100_000, `${end.result.text.length}`);
  });

  it("is laid out as ever where it nests as payloads do", () => {
    const value = { a: [{ b: ["x", 1, null, {}] }], c: { d: '"[{,' } };
    assertEquals(layOutJson(value), JSON.stringify(value, null, 2));
    assertEquals(layOutJson(value, "\t"), JSON.stringify(value, null, "\t"));
  });
});

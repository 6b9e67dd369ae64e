import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import {
  call,
  eventsOf,
  finish,
  issue,
  JSON_TYPE,
  openStage,
  type Stage,
  told,
  toolNames,
} from "../stage.ts";
import { sentName } from "../../../lib/agent/provider/sent_name.ts";
import { readEvents } from "../../../lib/agent/mcp/events.ts";
import { type FakeMcp, startMcp } from "../../fakes/mcp.ts";

const bare = { name: "now", description: "The time", inputSchema: { type: null, required: null } };
const search = {
  name: "tickets.search",
  description: "Searches",
  inputSchema: { type: "object", properties: { query: { type: "string" } } },
};
/** With a dot, which models' providers do not take. */
const FIND = "desk__tickets.search";
const rules = {
  sources: {
    github: { tools: ["desk__now", FIND, "desk__broken", "desk__choice"] },
    generic: { tools: ["add_note"] },
  },
  mcp_tools: Object.fromEntries(
    ["now", "tickets.search", "broken", "choice"].map((name) => [`desk__${name}`, {
      reads: "public",
      effect: "none",
    }]),
  ),
};

async function openWith(mcp: FakeMcp): Promise<Stage> {
  const MCP_CONFIG_JSON = JSON.stringify({ mcpServers: { desk: { url: mcp.url } } });
  return await openStage(rules, { MCP_CONFIG_JSON });
}

describe("what an MCP server may send", () => {
  let mcp: FakeMcp;
  let stage: Stage;
  beforeAll(async () => {
    mcp = startMcp([
      bare,
      search,
      { name: "broken", description: null, inputSchema: { type: "object" } },
      { name: "choice", inputSchema: { type: "object", oneOf: [{}] } },
      null,
      { description: "nameless" },
    ]);
    stage = await openWith(mcp);
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await mcp[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    stage.fake.asked.length = 0;
    mcp.error = undefined;
    mcp.streams = false;
  });

  /** What the model is told of a call with this result. */
  async function toldOf(answer: string | Record<string, unknown>): Promise<string> {
    mcp.answer = () => answer;
    stage.fake.script = [call("desk__now", {}), finish("Done")];
    const task = await stage.task(await stage.signed(issue));
    assertEquals(task.status, "completed");
    return told(stage.fake.asked.at(-1)!)[0];
  }

  it("turns off only the tools whose entries are broken, or that a provider refuses", async () => {
    stage.fake.script = [finish("Done")];
    const task = await stage.task(await stage.signed(issue));
    assertEquals(task.status, "completed");
    const names = toolNames(stage.fake.asked[0]).filter((name) => name.includes("__"));
    assertEquals(names, ["desk__now", sentName(FIND)]);
    const off = Object.fromEntries(
      eventsOf(task, "tool_off").map(({ data }) => [data.tool, data.reason]),
    );
    assertMatch(off.desk__broken, /its "description" is null, and must be a text/);
    assertMatch(off.desk__choice, /oneOf/);
    const { parameters } = stage.fake.asked[0].body.tools
      .find((each: { function: { name: string } }) => each.function.name === "desk__now").function;
    assertEquals(parameters.properties, {});
  });

  it("has its tools by its own names, whatever a model is told that they are called", async () => {
    mcp.called.length = 0;
    mcp.answer = () => "3 tickets";
    stage.fake.script = [call(sentName(FIND), { query: "crash" }), finish("Done")];
    const task = await stage.task(await stage.signed(issue));
    assertEquals(mcp.called, [{ name: "tickets.search", arguments: { query: "crash" } }]);
    assertStringIncludes(told(stage.fake.asked[1])[0], "3 tickets");
    assertEquals(eventsOf(task, "tool_call").map(({ data }) => data.tool), [FIND, "finish"]);
    assertEquals(eventsOf(task, "step")[0].data.tools, [FIND]);
  });

  it("is told whole: resources, links, images by name, data", async () => {
    const text = await toldOf({
      content: [
        { type: "text", text: "downloaded" },
        { type: "resource", resource: { uri: "repo://a/README.md", text: "# Read me" } },
        {
          type: "resource",
          resource: { uri: "repo://b", mimeType: "application/json", blob: btoa('{"b":4711}') },
        },
        { type: "resource", resource: { uri: "repo://c", mimeType: "font/woff", blob: "AAAA" } },
        { type: "resource_link", uri: "file:///d.txt", name: "d.txt", description: "The log" },
        { type: "image", data: "not base64!", mimeType: "image/png" },
        { type: "audio", data: "AAAA", mimeType: "audio/wav" },
        { type: "hologram" },
        null,
      ],
      structuredContent: { tickets: 3 },
    });
    for (
      const part of [
        "downloaded",
        "(resource repo://a/README.md)",
        "# Read me",
        '{\\"b\\":4711}',
        "(resource repo://c font/woff, 3 bytes)",
        "(link d.txt file:///d.txt The log)",
        "(image image/png, 8 bytes)",
        "(audio audio/wav, 3 bytes)",
        '{\\"type\\":\\"hologram\\"}',
        '{\\"tickets\\":3}',
      ]
    ) assertStringIncludes(text, part);
  });

  it("says data once, with or without a text of it", async () => {
    const data = { tickets: [1, 2] };
    const both = {
      content: [{ type: "text", text: JSON.stringify(data) }],
      structuredContent: data,
    };
    assertEquals((await toldOf(both)).match(/tickets/g)?.length, 1);
    assertEquals((await toldOf({ structuredContent: data })).match(/tickets/g)?.length, 1);
    assertStringIncludes(await toldOf({ toolResult: { old: true } }), "old");
    assertStringIncludes(await toldOf({ content: [] }), "result of desk__now");
    assertMatch(await toldOf({ content: [], isError: true }), /has failed, and not why/);
    const failed = { isError: true, structuredContent: { reason: "no such ticket" } };
    assertMatch(await toldOf(failed), /The call failed: [^]*no such ticket/);
  });

  it("is understood as a stream of events, too, and its change of the list is heard", async () => {
    mcp.streams = true;
    const before = mcp.listed;
    assertStringIncludes(await toldOf("streamed"), "streamed");
    mcp.streams = false;
    assertStringIncludes(await toldOf("again"), "again");
    assert(mcp.listed > before);
  });

  it("may be an error of any shape, whose words are told", async () => {
    for (
      const [error, words] of [
        [{ code: -32602, message: "Unknown tool: now" }, /Unknown tool: now/],
        [{ code: -32602, message: { reason: "no such ticket" } }, /no such ticket/],
        [{ code: "E1", message: "odd code", extra: 1 }, /odd code/],
        [{ code: -32000, data: { hint: "only data" } }, /only data/],
      ] as [unknown, RegExp][]
    ) {
      mcp.error = error;
      const text = await toldOf("");
      assertMatch(text, words);
      assert(!text.includes("[object Object]"), text);
    }
  });

  it("stands on System: its tools, who may use them, and what is wrong", async () => {
    const page = await (await stage.otto.ask("/system")).text();
    assertStringIncludes(page, "Tools of MCP servers");
    assertMatch(page, /now<\/th>[^]*?GitHub/);
    assertMatch(page, /tickets\.search<\/th>[^]*?GitHub/);
    assertMatch(page, /Off: its entry [^<]*its &quot;description&quot; is null/);
    assert(!page.includes("/mcp?"));
  });

  it("is left when it has no end", async () => {
    const text = await toldOf({ content: [{ type: "text", text: "x".repeat(9_000_000) }] });
    assertMatch(text, /more than 8,388,608 bytes/);
    assert((await toldOf("x".repeat(100_000))).length < 9_000);
  });
});

describe("a server that hangs", () => {
  it("holds nobody up who does not need it, and is remembered", async () => {
    const mcp = startMcp([bare]);
    mcp.hangs = true;
    const stage = await openWith(mcp);
    try {
      stage.fake.script = [finish("Done")];
      const task = await stage.task(await stage.signed(issue));
      assertEquals(task.status, "completed");
      const asked = mcp.headers.length;
      const next = await stage.task(await stage.signed(issue));
      assertEquals(next.status, "completed");
      assertMatch(eventsOf(next, "tool_off")[0].data.reason, /cannot be asked/);
      // What was known needed no second wait.
      assertEquals(mcp.headers.length, asked);
    } finally {
      await stage[Symbol.asyncDispose]();
      mcp.hangs = false;
      await mcp[Symbol.asyncDispose]();
    }
  });
});

describe("a server whose calls hang", () => {
  it("holds up no task that does not need it", async () => {
    const mcp = startMcp([bare]);
    const stage = await openStage({
      ...rules,
      sources: { ...rules.sources, github: { tools: ["desk__now"], budgets: { tool_seconds: 5 } } },
    }, { MCP_CONFIG_JSON: JSON.stringify({ mcpServers: { desk: { url: mcp.url } } }) });
    try {
      const happened: string[] = [];
      const release = Promise.withResolvers<undefined>();
      const all = Promise.withResolvers<void>();
      mcp.odd = ({ method }) => {
        if (method !== "tools/call") return undefined;
        happened.push("called");
        if (happened.length === 4) all.resolve();
        return release.promise as Promise<never>;
      };
      stage.fake.script = [async (asked) => {
        const isOther = JSON.stringify(asked.body.messages).includes("the other one");
        if (isOther) {
          await all.promise;
          happened.push("other");
          release.resolve(undefined);
        } else if (told(asked).length === 0) return call("desk__now", {});
        else happened.push("over");
        return finish("Done");
      }];
      const { send, workOff } = stage.otto;
      for (let at = 0; at < 4; at++) await stage.queueSigned({ ...issue, at });
      await send("demo", JSON.stringify({ text: "the other one" }), JSON_TYPE);
      await workOff();
      assertEquals(happened, [...Array(4).fill("called"), "other", ...Array(4).fill("over")]);
    } finally {
      await stage[Symbol.asyncDispose]();
      await mcp[Symbol.asyncDispose]();
    }
  });
});

describe("a stream of a server's events", () => {
  it("may be cut anywhere, between the two halves of a line's end, too", async () => {
    const whole = ': hi\r\nevent: message\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 7\nretry:20\n\n' +
      'event: other\ndata: no\n\ndata: {"a":2}\n\nid: 9\ndata:{"a":3}';
    for (let size = 1; size <= whole.length; size++) {
      const parts = whole.match(new RegExp(`[^]{1,${size}}`, "g"))!;
      const events = await Array.fromAsync(readEvents(ReadableStream.from(parts)));
      assertEquals(events, [
        { data: '{"a":\n1}' },
        { id: "7", retry: 20 },
        {},
        { data: '{"a":2}' },
        // Nobody knows whether it is whole.
        { data: '{"a":3}' },
      ], `${size}`);
    }
  });
});

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { callTool } from "../../../lib/agent/mcp/client.ts";
import { readDefinition } from "../../../lib/agent/mcp/definition.ts";
import { resultText } from "../../../lib/agent/mcp/result_text.ts";
import { secretsOf } from "../../../lib/agent/mcp/servers.ts";
import { createToolLists, lookUp } from "../../../lib/agent/mcp/tool_list.ts";
import type { Message } from "../../fakes/mcp.ts";
import { bare, FEW_SECONDS, fine, result, to, withServer } from "./mcp_client_stage.ts";

describe("a session with a server", () => {
  it("is begun again when the server has forgotten it, and the call is made once", async () => {
    for (
      const [status, error] of [
        [404, { code: -32_001, message: "Session not found" }],
        [400, { code: -32_000, message: "Bad Request: Server not initialized" }],
        [400, { code: -32_000, message: "Bad Request: No valid session ID provided" }],
      ] as const
    ) {
      await withServer(async ({ mcp, call, failure }) => {
        let restarts = 1;
        mcp.odd = to("tools/call", () => {
          if (restarts-- <= 0) return undefined as unknown as Response;
          return Response.json({ jsonrpc: "2.0", id: null, error }, { status });
        });
        assertEquals([await call(), mcp.called.length], ["fine", 1], error.message);
        // One that forgets all of them is left.
        restarts = 10;
        assertMatch(await failure(), /has forgotten its session/);
        assertEquals([mcp.called.length, restarts], [1, 8]);
      });
    }
  });

  it("begins in the older protocol where the newest is not known, however that is said", async () => {
    const refusals: [string, (message: Message) => Response | Promise<Response>][] = [
      [
        "JSON-RPC",
        ({ id }) =>
          Response.json({
            jsonrpc: "2.0",
            id,
            error: { code: -32_601, message: "Method not found" },
          }),
      ],
      // Datadog (csharp-sdk#1765), the TypeScript SDK's example, FastMCP's older releases (snow-app#56).
      ["404", () => new Response("Invalid session ID", { status: 404 })],
      [
        "400",
        () => Response.json({ error: { code: -32_000, message: "no" }, id: null }, { status: 400 }),
      ],
      ["a page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
      ["202", () => new Response(null, { status: 202 })],
      [
        "an empty stream",
        () => new Response("", { headers: { "content-type": "text/event-stream" } }),
      ],
      ["silence", () => new Promise(() => {})],
      ["its versions", ({ id }) =>
        Response.json({
          jsonrpc: "2.0",
          id,
          error: { code: -32_022, message: "Unsupported", data: { supported: ["2025-06-18"] } },
        })],
    ];
    for (const [how, answer] of refusals) {
      await withServer(async ({ mcp, call }) => {
        mcp.odd = to("server/discover", answer);
        assertEquals([await call(), await call()], ["fine", "fine"], how);
        // It is asked once.
        assertEquals(mcp.methods.filter((method) => method === "server/discover").length, 1, how);
        const { headers } = mcp;
        assertEquals(headers.at(-1)!.get("mcp-protocol-version"), "2025-06-18");
      });
    }
  });

  it("speaks the newest protocol where it is known, without a session", async () => {
    await withServer(async ({ mcp, call, list }) => {
      mcp.odd = (message) => {
        const known: Record<string, unknown> = {
          "server/discover": { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } },
          "tools/list": { tools: [bare] },
          "tools/call": fine,
        };
        const value = known[message.method ?? ""] as Record<string, unknown> | undefined;
        return value && result({ ...value, resultType: "complete" })(message);
      };
      assertEquals([await call(), await list()], ["fine", [bare]]);
      assert(!mcp.methods.includes("initialize"));
      assertEquals(mcp.headers.at(-1)!.get("mcp-protocol-version"), "2026-07-28");
      assertEquals(mcp.headers.at(-1)!.get("mcp-session-id"), null);
    });
  });

  it("has the arguments in headers that a tool wants there in the newest protocol", async () => {
    const properties = {
      region: { type: "string", "x-mcp-header": "Region" },
      query: { type: "string" },
    };
    const schema = { type: "object", properties };
    await withServer(async ({ mcp, server }) => {
      const modern = result({ supportedVersions: ["2026-07-28"], resultType: "complete" });
      let region: string | null = null;
      mcp.odd = (message, { headers }) => {
        if (message.method === "server/discover") return modern(message);
        region = headers.get("mcp-param-region");
        return result({ ...fine, resultType: "complete" })(message);
      };
      const signal = AbortSignal.timeout(FEW_SECONDS);
      const args = { region: "eu\r\nx: y", query: "z" };
      await callTool(server, { name: "now", args, schema }, signal);
      assertEquals(region, `=?base64?${btoa(args.region)}?=`);
      assertEquals(mcp.methods, ["server/discover", "tools/call"]);
    });
  });

  it("sends each request on a connection of its own: on a kept one it may be sent twice", async () => {
    await withServer(async ({ mcp, call }) => {
      mcp.streams = true;
      for (let at = 0; at < 3; at++) assertEquals(await call(), "fine");
      assertEquals(new Set(mcp.ports).size, mcp.ports.length);
    });
  });

  it("that cannot be had is told with the server's host, and nothing else of its address", async () => {
    await withServer(async ({ mcp, failure }) => {
      await mcp[Symbol.asyncDispose]();
      assertMatch(await failure(), /127\.0\.0\.1:\d+/);
    });
  });

  it("begins however a server introduces itself", async () => {
    await withServer(async ({ mcp, call }) => {
      for (
        const more of [
          { capabilities: {}, serverInfo: { name: "x" } },
          { capabilities: { tools: null, prompts: null }, instructions: null },
          { serverInfo: null, _meta: null },
        ]
      ) {
        mcp.odd = to("initialize", result({ protocolVersion: "2025-03-26", ...more }));
        assertEquals(await call(), "fine", JSON.stringify(more));
      }
      for (const status of [200, 204, 400, 500]) {
        mcp.odd = to(
          "notifications/initialized",
          () => new Response(status === 204 ? null : "no", { status }),
        );
        assertEquals(await call(), "fine", `${status}`);
      }
    });
    await withServer(async ({ mcp, failure }) => {
      mcp.odd = to("initialize", result({ protocolVersion: "1999-01-01" }));
      assertMatch(await failure(), /protocol version is not supported: 1999-01-01/);
    });
  });
});

describe("a server's list of tools", () => {
  it("ends, however its pages go on", async () => {
    for (
      const [nextCursor, pages] of [[undefined, 1], [null, 1], ["", 1], ["same", 2]] as const
    ) {
      await withServer(async ({ mcp, list }) => {
        mcp.odd = to("tools/list", result({ tools: [bare], nextCursor }));
        await list();
        assertEquals(mcp.methods.filter((method) => method === "tools/list").length, pages);
      });
    }
    await withServer(async ({ mcp, list }) => {
      let page = 0;
      mcp.odd = to(
        "tools/list",
        (message) => result({ tools: [bare], nextCursor: `${page++}` })(message),
      );
      assertEquals((await list()).length, 100);
      // All pages together are no longer than one answer may be.
      const description = "x".repeat(900_000);
      mcp.odd = to(
        "tools/list",
        (message) =>
          result({ tools: [{ ...bare, description }], nextCursor: `${page++}` })(message),
      );
      assertMatch((await assertRejects(list, Error)).message, /more than 8,388,608 bytes/);
    });
  });

  it("is read as far as its ten thousandth tool, and says so of others", async () => {
    await withServer(async ({ mcp, server }) => {
      const tools = Array.from({ length: 10_001 }, (_, at) => ({ ...bare, name: `t${at}` }));
      mcp.odd = to("tools/list", result({ tools }));
      const listed = await createToolLists((text) => text).of(server);
      assertEquals(lookUp(listed, "t9999"), { ...tools[9_999], title: undefined });
      const off = "its server has no such tool among the first 10,000";
      assertEquals(lookUp(listed, "t10000"), { off });
    });
  });

  it("has the first of two tools with one name", async () => {
    await withServer(async ({ mcp, server }) => {
      mcp.tools = [bare, { ...bare, description: "Another" }];
      const listed = await createToolLists((text) => text).of(server);
      const tools = "tools" in listed ? [...listed.tools.values()] : [];
      assertEquals(tools.map((each) => "inputSchema" in each && each.description), ["The time"]);
    });
  });

  it("loses no more than the entries that nobody can read or call", () => {
    const execution = { taskSupport: "required" };
    const task = readDefinition({ ...bare, execution })!;
    assertMatch("broken" in task ? task.broken : "", /must be called as a task/);
    assert("inputSchema" in readDefinition({ ...bare, execution: { taskSupport: "optional" } })!);
    const tree = Array.from({ length: 100_000 }).reduce<unknown>((inner) => ({ a: inner }), {});
    for (
      const [inputSchema, broken] of [
        [undefined, undefined],
        [true, undefined],
        [{ type: ["object", "null"] }, undefined],
        [{ $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/A" } } }, undefined],
        [false, /is a boolean, and must be an object/],
        [null, /is null/],
        [[], /is a list/],
        [tree, /nested too deep/],
        [{ description: "x".repeat(600_000) }, /more than 500,000 characters/],
      ] as [unknown, RegExp | undefined][]
    ) {
      const read = readDefinition({ name: "t", inputSchema })!;
      if (broken) assertMatch("broken" in read ? read.broken : "", broken);
      else assert("inputSchema" in read, JSON.stringify(inputSchema));
    }
  });
});

describe("a result's text", () => {
  it("is there for content of any kind, in time that grows with it", () => {
    assertEquals(resultText({ content: "fine" }), "fine");
    assertEquals(resultText({ content: { type: "text", text: "fine" } }), "fine");
    assertEquals(resultText({ content: null, structuredContent: { a: 1 } }), '{"a":1}');
    assertEquals(resultText({ content: [], structuredContent: null }), "");
    assertEquals(resultText(undefined), "");
    assertEquals(resultText({ error: "no such thing", _meta: {} }), '{"error":"no such thing"}');
    assertEquals(
      resultText({ content: [{ type: "json", json: [1] }] }),
      '{"type":"json","json":[1]}',
    );
    assertEquals(resultText({ content: [{ type: "video", data: "AAAA" }] }), "(video, 3 bytes)");
    // As the SDKs for Python 2.3 and FastMCP 4.0 answer.
    for (
      const [texts, answer, told] of [
        [["hello"], "hello", "hello"],
        [["3"], 3, "3"],
        [["a", "b"], ["a", "b"], "a\nb"],
        [['{\n  "x": 1\n}', '{"x": 2}'], [{ x: 1 }, { x: 2 }], '{\n  "x": 1\n}\n{"x": 2}'],
        [['["a","b"]'], ["a", "b"], '["a","b"]'],
        [["two of them"], ["a", "b"], 'two of them\n{"result":["a","b"]}'],
        [[], null, '{"result":null}'],
      ] as const
    ) {
      const content = texts.map((text) => ({ type: "text", text }));
      assertEquals(resultText({ content, structuredContent: { result: answer } }), told);
    }
    const many = Array.from({ length: 100_000 }, () => ({ type: "text", text: "7" }));
    const structuredContent = { text: "x".repeat(4_000_000) };
    assert(resultText({ content: many, structuredContent }).endsWith('"}'));
  });

  it("has no secret in it: a server's headers and what its address has are redacted", () => {
    const url = "https://me:pass-4711@mcp.example/x?api_key=key-4711&api-version=2024-10-21";
    const secrets = secretsOf({ name: "d", url, headers: { authorization: "Bearer abc-4711" } });
    assertEquals(secrets, ["Bearer abc-4711", "abc-4711", "pass-4711", "key-4711"]);
    const configured = (config: string) =>
      secretsOf({ name: "d", url: `https://mcp.example/x?config=${config}`, headers: {} });
    assertEquals(configured("eyJrZXkiOiI0NzExIn0"), ["eyJrZXkiOiI0NzExIn0"]);
    // A word of its own is one of every text, too.
    assertEquals(configured("production"), []);
  });
});

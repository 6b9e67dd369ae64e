import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { callTool } from "../../../lib/agent/mcp/client.ts";
import { events, type FakeMcp, type Message } from "../../fakes/mcp.ts";
import { FEW_SECONDS, fine, result, to, withServer } from "./mcp_client_stage.ts";

/** A server by hand that hangs up in the middle of a call's answer, as HTTP/1.0 lets it. */
function startBreaking(type: string) {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let called = 0;
  const serve = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(65_536);
    let text = "";
    while (!/"method":"[^]*\}$/.test(text)) {
      const length = await connection.read(buffer);
      if (length === null) break;
      text += new TextDecoder().decode(buffer.subarray(0, length));
    }
    const isCall = text.includes('"tools/call"');
    if (isCall) called++;
    const [, id] = /"id":(\d+)/.exec(text) ?? [];
    const initialized = { protocolVersion: "2025-06-18" };
    const whole = JSON.stringify({ jsonrpc: "2.0", id: Number(id), result: initialized });
    const half = 'data: {"jsonrpc":"2.0","id":2,"result":{"content":[';
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${isCall ? type : "application/json"}\r\n` +
      `content-length: ${isCall ? 10_000 : whole.length}\r\nconnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head + (isCall ? half : whole)));
    connection.close();
  };
  (async () => {
    for await (const connection of listener) serve(connection).catch(() => {});
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    called: () => called,
    close: () => listener.close(),
  };
}

describe("a server's answer that is none", () => {
  it("is said at once, in words that people can do something with", async () => {
    const page = { headers: { "content-type": "text/html" } };
    const kinds: [(message: Message) => Response, RegExp][] = [
      [() =>
        Response.json({ error: "invalid_token" }, {
          status: 401,
          headers: { "www-authenticate": 'Bearer resource_metadata="https://x/canary"' },
        }), /answered 401: invalid_token\. Set what it wants under headers/],
      [() => new Response("", { status: 403 }), /answered 403: without a word\. Set what/],
      [
        () => {
          const challenge = 'Bearer error="invalid_token", error_description="It has expired"';
          return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
        },
        /answered 401: It has expired\. Set what/,
      ],
      [() => Response.json({ message: "Unknown stage" }, { status: 422 }), /422: Unknown stage$/],
      [() => Response.json({ message: "Not yet" }), /cannot be read: Not yet$/],
      [
        () => new Response("<title>Not here</title>", { status: 405, ...page }),
        /405: .*Streamable HTTP/,
      ],
      [() => new Response("Bad gateway", { status: 502 }), /answered 502: Bad gateway$/],
      [
        () =>
          new Response(null, {
            status: 307,
            headers: { location: "https://evil.example/?canary" },
          }),
        /answered 307: it leads to https:\/\/evil\.example\. Set the url/,
      ],
      [() => new Response(null, { status: 202 }), /took the request and gave no answer/],
      [() => new Response("<html><title>Sign in</title>", page), /cannot be read: Sign in/],
      [
        () =>
          new Response('{"jsonrpc": "2.0", "id": 1, "resu', {
            headers: { "content-type": "application/json" },
          }),
        /cannot be read/,
      ],
      [() => Response.json({ jsonrpc: "2.0", id: 4_711, result: fine }), /cannot be read/],
      [
        () => events([{ jsonrpc: "2.0", method: "notifications/progress" }]),
        /ended its answer in the middle/,
      ],
      [
        () => new Response("", { headers: { "content-type": "text/event-stream" } }),
        /in the middle/,
      ],
      [result(null), /result is no object/],
      [result("fine"), /result is no object/],
      [
        () => Response.json({ jsonrpc: "2.0", id: null, error: { code: -32_600, message: "No" } }),
        /^No$/,
      ],
      [
        ({ id }) => Response.json({ jsonrpc: "2.0", id, error: "no such thing" }, { status: 500 }),
        /no such thing/,
      ],
      [
        ({ id }) => {
          const data = [{ path: "when", expected: "a date" }];
          const error = { code: -32_602, message: "Invalid params", data };
          return Response.json({ jsonrpc: "2.0", id, error });
        },
        /^MCP error -32602: Invalid params: .*"expected":"a date"|^Invalid params: .*"a date"/,
      ],
    ];
    await withServer(async ({ mcp, failure }) => {
      for (const [answer, words] of kinds) {
        mcp.odd = to("tools/call", answer);
        assertMatch(await failure(), words);
      }
      assertEquals(mcp.called, []);
    });
  });

  it("may break off in the middle, as JSON and as a stream", async () => {
    for (const type of ["application/json", "text/event-stream"]) {
      const raw = startBreaking(type);
      try {
        const server = { name: "desk", url: raw.url, headers: {} };
        const signal = AbortSignal.timeout(FEW_SECONDS);
        await assertRejects(() => callTool(server, { name: "now", args: {} }, signal), Error);
        assert(!signal.aborted, "nobody noticed that it broke");
        assertEquals(raw.called(), 1);
      } finally {
        raw.close();
      }
    }
  });

  it("may be small and grow: what it unpacks to is counted", async () => {
    const zip = (text: string) =>
      new Response(text).body!.pipeThrough(new CompressionStream("gzip"));
    await withServer(async ({ mcp, call, failure }) => {
      const packed = (text: string) => ({ id }: Message) => {
        const body = zip(JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ text }] } }));
        const headers = { "content-type": "application/json", "content-encoding": "gzip" };
        return new Response(body, { headers });
      };
      mcp.odd = to("tools/call", packed("fine"));
      assertEquals(await call(), "fine");
      mcp.odd = to("tools/call", packed("0".repeat(50_000_000)));
      assertMatch(await failure(), /more than 8,388,608 bytes/);
    });
  });

  it("may come drop by drop, and is left when the call's time is over", async () => {
    for (const type of ["application/json", "text/event-stream"]) {
      await withServer(async ({ mcp, server }) => {
        let left = Promise.withResolvers<void>();
        mcp.odd = to("tools/call", () => {
          left = Promise.withResolvers<void>();
          let drops = 0;
          const body = new ReadableStream({
            pull: (controller) =>
              drops++ < 3
                ? controller.enqueue(new TextEncoder().encode(": ping\n\n"))
                : new Promise(() => {}),
            cancel: () => left.resolve(),
          }, { highWaterMark: 0 });
          return new Response(body, { headers: { "content-type": type } });
        });
        await assertRejects(() =>
          callTool(server, { name: "now", args: {} }, AbortSignal.timeout(300))
        );
        await left.promise;
      });
    }
  });
});

describe("a server that needs what Otto does not offer", () => {
  const modern: FakeMcp["odd"] = to(
    "server/discover",
    result({ supportedVersions: ["2026-07-28"], capabilities: {}, resultType: "complete" }),
  );
  const whenAsked =
    (answer: (message: Message) => Response): FakeMcp["odd"] => (message, request) =>
      modern!(message, request) ?? to("tools/call", answer)!(message, request);

  it("is told so with each request, and is not asked again", async () => {
    await withServer(async ({ mcp, failure }) => {
      let meta: Record<string, unknown> = {};
      mcp.odd = whenAsked(({ id, params }) => {
        meta = params._meta;
        const data = { requiredCapabilities: { elicitation: { form: {} } } };
        const error = { code: -32_021, message: "Missing required client capability", data };
        return Response.json({ jsonrpc: "2.0", id, error }, { status: 400 });
      });
      assertMatch(await failure(), /Missing required client capability: \{.*"elicitation"/);
      assertEquals(meta["io.modelcontextprotocol/clientCapabilities"], {});
      assertEquals(mcp.methods.filter((method) => method === "tools/call").length, 1);
    });
  });

  it("is left with what it wanted to be told, in words that say it", async () => {
    await withServer(async ({ mcp, failure }) => {
      const message = "Which of the two?";
      for (
        const inputRequests of [
          { which: { method: "elicitation/create", params: { mode: "form", message } } },
          { sum: { method: "sampling/createMessage", params: { messages: [message] } } },
          { odd: { method: 7, params: message } },
        ]
      ) {
        mcp.odd = whenAsked(result({ resultType: "input_required", inputRequests }));
        assertMatch(await failure(), /wants to be told something first.*Which of the two\?/);
      }
    });
  });

  it("says where a person has to go first", async () => {
    await withServer(async ({ mcp, failure }) => {
      const url = "https://vendor.example/connect";
      const elicitations = [{ mode: "url", elicitationId: "1", url, message: "Connect" }];
      mcp.error = { code: -32_042, message: "URL elicitation required", data: { elicitations } };
      assertMatch(await failure(), /URL elicitation required: .*vendor\.example\/connect/);
    });
  });
});

describe("what a server sends before its answer", () => {
  it("is answered with no, and the answer is waited for: it may ask for a model or a person", async () => {
    await withServer(async ({ mcp, call }) => {
      const asks = ["elicitation/create", "sampling/createMessage", "roots/list", "ping", "x/y"];
      const answered = Promise.withResolvers<void>();
      const asked = to("tools/call", ({ id }) => {
        const body = new ReadableStream({
          async start(controller) {
            const send = (message: unknown) =>
              controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(message)}\n\n`));
            send({ jsonrpc: "2.0", method: "notifications/progress", params: { progress: 1 } });
            send({ jsonrpc: "2.0", method: "notifications/cancelled", params: null, extra: 1 });
            for (const [at, method] of asks.entries()) {
              send({ jsonrpc: "2.0", id: `s${at}`, method, params: at === 2 ? null : {} });
            }
            // It works on only when all of them were answered.
            await answered.promise;
            send({ jsonrpc: "2.0", id, result: fine });
            controller.close();
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      })!;
      mcp.odd = (message, request) => {
        if (mcp.answers.length === asks.length) answered.resolve();
        return asked(message, request);
      };
      assertEquals(await call(), "fine");
      const codes = mcp.answers.map(({ error, result }) => error?.code ?? result);
      assertEquals(codes, [-32_601, -32_601, -32_601, {}, -32_601]);
    });
  });

  it("may be a whole batch, and answers may have more than they should", async () => {
    await withServer(async ({ mcp, call }) => {
      const note = { jsonrpc: "2.0", method: "notifications/message", params: {} };
      for (
        const answer of [
          ({ id }: Message) => Response.json([note, { jsonrpc: "2.0", id, result: fine }]),
          ({ id }: Message) =>
            Response.json({ id: String(id), result: fine, error: null, took: 3 }),
          // What another was answered, before and after.
          ({ id }: Message) => {
            const other = { jsonrpc: "2.0", id: 4_711, result: { content: "another's" } };
            return events([other, { jsonrpc: "2.0", id, result: fine }, other]);
          },
          ({ id }: Message) => {
            const other = { jsonrpc: "2.0", id: "x", result: { content: "another's" } };
            return Response.json([{ jsonrpc: "2.0", id, result: fine }, other]);
          },
          ({ id }: Message) => events([[note, { jsonrpc: "2.0", id, result: fine }]]),
          ({ id }: Message) => {
            const { body } = events([{ jsonrpc: "2.0", id, result: fine }]);
            return new Response(body, { headers: { "content-type": "Text/Event-Stream" } });
          },
          ({ id }: Message) =>
            new Response(JSON.stringify({ jsonrpc: "2.0", id, result: fine }), {
              headers: { "content-type": "text/plain" },
            }),
        ]
      ) {
        mcp.odd = to("tools/call", answer);
        assertEquals(await call(), "fine");
      }
    });
  });
});

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { callTool } from "../../../lib/agent/mcp/client.ts";
import type { FakeMcp, Message } from "../../fakes/mcp.ts";
import { type Client, fine, to, withServer } from "./mcp_client_stage.ts";

/** What begins each stream of a server that can go on with it: an event without data. */
const PRIMING = "id: 1\nretry: 100\ndata: \n\n";

const stream = (text: string, init?: ResponseInit) =>
  new Response(text, { headers: { "content-type": "text/event-stream" }, ...init });
const event = (id: number | string, message: unknown) =>
  `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`;

/** A server whose calls begin with this, and are gone on with so. */
async function withBroken(
  beginning: string,
  resume: (lastId: string, answer: string, request: Request) => Response | Promise<Response>,
  test: (client: Client & { calls: () => number; resumed: string[] }) => Promise<void>,
): Promise<void> {
  await withServer(async (client) => {
    const { mcp } = client;
    const resumed: string[] = [];
    let answer = "";
    let calls = 0;
    mcp.odd = to("tools/call", ({ id }: Message) => {
      calls++;
      answer = event(9, { jsonrpc: "2.0", id, result: fine });
      return stream(beginning);
    });
    mcp.resume = ((lastId, request) => {
      resumed.push(lastId);
      return resume(lastId, answer, request);
    }) satisfies FakeMcp["resume"];
    await test({ ...client, calls: () => calls, resumed });
  });
}

describe("a stream that ends before its answer", () => {
  it("is gone on with after its last event, on as many connections as the server wants", async () => {
    const progress = { jsonrpc: "2.0", method: "notifications/progress", params: {} };
    const parts = [
      ": nothing yet\n\n",
      // Half an event, which comes again: nothing is gone on with after it.
      event(2, progress) + "id: 3\ndata: {",
      event(3, progress),
    ];
    await withBroken(PRIMING, (_lastId, answer, { headers }) => {
      assertEquals(headers.get("accept"), "text/event-stream");
      assertEquals(headers.get("content-type"), null);
      assert(headers.get("mcp-session-id"));
      assertEquals(headers.get("mcp-protocol-version"), "2025-06-18");
      return stream(parts.shift() ?? answer);
    }, async ({ call, calls, resumed }) => {
      assertEquals(await call(), "fine");
      assertEquals([resumed, calls()], [["1", "1", "2", "3"], 1]);
    });
  });

  it("is asked for three times where the server cannot go on just now", async () => {
    let away = 2;
    const resume = (_lastId: string, answer: string) =>
      away-- > 0 ? new Response("Starting", { status: 503 }) : stream(answer);
    await withBroken(PRIMING, resume, async ({ call, failure, calls }) => {
      assertEquals(await call(), "fine");
      away = 3;
      assertMatch(await failure(), /in the middle, and answered 503 when it was asked to go on/);
      assertEquals(calls(), 2);
    });
  });

  it("is left where the server does not go on with it, and the call is not made again", async () => {
    for (const status of [307, 400, 404, 405]) {
      const headers = { location: "https://evil.example/canary" };
      const resume = () => new Response("Session not found", { status, headers });
      await withBroken(PRIMING, resume, async ({ failure, calls, resumed }) => {
        assertMatch(await failure(), new RegExp(`answered ${status} when`));
        assertEquals([calls(), resumed.length], [1, 1]);
      });
    }
    const unusable = "id: \x07\nretry: soon\ndata: \n\n";
    await withBroken(unusable, () => stream(""), async ({ failure, resumed }) => {
      assertMatch(await failure(), /in the middle$/);
      assertEquals(resumed, []);
    });
  });

  it("is gone on with for no longer, and no further, than one answer may be", async () => {
    const long = stream.bind(null, event(2, { method: "x".repeat(3_000_000) }));
    await withBroken(PRIMING, () => long(), async ({ failure, resumed }) => {
      assertMatch(await failure(), /more than 8,388,608 bytes/);
      assertEquals(resumed.length, 3);
    });
    for (const retry of ["0", "999999999"]) {
      const beginning = `id: 1\nretry: ${retry}\n\n`;
      await withBroken(beginning, () => stream(""), async ({ server, calls, resumed }) => {
        const signal = AbortSignal.timeout(500);
        await assertRejects(() => callTool(server, { name: "now", args: {} }, signal));
        assert(resumed.length <= 5, `${resumed.length}`);
        assertEquals(calls(), 1);
      });
    }
  });
});

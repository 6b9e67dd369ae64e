import { assert, assertRejects } from "@std/assert";
import { callTool, listTools } from "../../../lib/agent/mcp/client.ts";
import { resultText } from "../../../lib/agent/mcp/result_text.ts";
import type { McpServer } from "../../../lib/agent/mcp/servers.ts";
import { type FakeMcp, type Message, startMcp } from "../../fakes/mcp.ts";

export const bare = { name: "now", description: "The time", inputSchema: { type: "object" } };
/** More than any of these calls takes, and less than anybody waits for a test. */
export const FEW_SECONDS = 20_000;

/** What a client knows of a server. */
export interface Client {
  mcp: FakeMcp;
  server: McpServer;
  list(): Promise<unknown[]>;
  call(): Promise<string>;
  /** What is said when a call fails. */
  failure(): Promise<string>;
}

export async function withServer(test: (client: Client) => Promise<void>): Promise<void> {
  const mcp = startMcp([bare]);
  try {
    const server = { name: "desk", url: `${mcp.url}?token=canary`, headers: {} };
    const signal = () => AbortSignal.timeout(FEW_SECONDS);
    const call = async () =>
      resultText((await callTool(server, { name: "now", args: {} }, signal())).result);
    await test({
      mcp,
      server,
      call,
      list: async () => (await listTools(server, signal())).entries,
      failure: async () => {
        const { message } = await assertRejects(call, Error);
        assert(!message.includes("canary"), message);
        return message;
      },
    });
  } finally {
    await mcp[Symbol.asyncDispose]();
  }
}

/** A server's own answer to one method. */
export const to = (
  method: string,
  answer: (message: Message) => Response | Promise<Response>,
): FakeMcp["odd"] =>
(message) => message.method === method ? answer(message) : undefined;
/** A result of a server's own. */
export const result = (value: unknown, more = {}) => ({ id }: Message) =>
  Response.json({ jsonrpc: "2.0", id, result: value, ...more });
export const fine = { content: [{ type: "text", text: "fine" }] };

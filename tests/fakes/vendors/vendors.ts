import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";
import { telegram } from "./telegram.ts";
import { twilio } from "./twilio.ts";
import type { Said, Vendor, VendorAnswer, VendorRequest } from "./vendor.ts";

/** What goes wrong with the next call that has an effect. */
export type VendorTrouble =
  /** `taken`: it takes effect all the same. */
  | { status: number; body?: unknown; headers?: Record<string, string>; taken?: true }
  /** It takes effect, and the answer is lost. */
  | { lost: true }
  /** It takes effect, and the answer waits for this. */
  | { slow: Promise<void> };

/** The APIs of Twilio, GitHub, GitLab and Telegram, on one port: they refuse what the true ones do. */
export interface FakeVendors extends AsyncDisposable {
  readonly url: string;
  /** What people read. */
  readonly said: Said[];
  /** Every call, those that were refused among them. */
  readonly calls: Pick<VendorRequest, "method" | "path" | "query" | "headers">[];
  next(...troubles: VendorTrouble[]): void;
  /** The same of the next calls that only look. */
  nextLook(...troubles: VendorTrouble[]): void;
}

export async function startVendors(): Promise<FakeVendors> {
  const said: Said[] = [];
  const calls: FakeVendors["calls"] = [];
  const troubles: Record<string, VendorTrouble[]> = { POST: [], GET: [] };

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    calls.push(request);
    const send = ([status, body, headers]: VendorAnswer) => {
      response.writeHead(status, {
        "content-type": "application/json",
        "x-request-id": `request-${calls.length}`,
        ...headers,
      });
      response.end(JSON.stringify(body));
    };
    const { path } = request;
    const trouble = troubles[request.method]?.shift();
    if (trouble && "status" in trouble) {
      if (trouble.taken) vendorOf(path)(request, said);
      const { status, body = { message: "as scripted" }, headers } = trouble;
      return send([status, body as Record<string, unknown>, headers]);
    }
    const answered = vendorOf(path)(request, said);
    if (trouble && "slow" in trouble) await trouble.slow;
    if (trouble && "lost" in trouble) return void incoming.socket.destroy();
    send(answered);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    said,
    calls,
    next: (...more) => void troubles.POST.push(...more),
    nextLook: (...more) => void troubles.GET.push(...more),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function vendorOf(path: string): Vendor {
  if (path.startsWith("/2010-04-01/")) return twilio;
  if (path.startsWith("/bot")) return telegram;
  return path.startsWith("/api/v4/") ? gitlab : github;
}

async function readRequest(incoming: IncomingMessage): Promise<VendorRequest> {
  const { pathname: path, searchParams: query } = new URL(incoming.url!, "http://vendor");
  const headers = new Headers(incoming.headers as Record<string, string>);
  let text = "";
  incoming.setEncoding("utf8");
  for await (const chunk of incoming) text += chunk;
  const isForm = headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") ??
    false;
  const body = text === ""
    ? {}
    : isForm
    ? Object.fromEntries(new URLSearchParams(text))
    : JSON.parse(text);
  return { method: incoming.method ?? "", path, query, headers, body, isForm };
}

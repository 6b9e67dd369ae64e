import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What goes wrong with the next call. */
export type VendorTrouble =
  | { status: number; retryAfter?: string; location?: string; taken?: true }
  /** It takes effect, and the answer is lost. */
  | { lost: true }
  | "hang";

/** Something that was said through the fake. */
export interface Said {
  path: string;
  // deno-lint-ignore no-explicit-any -- each vendor's own fields
  body: Record<string, any>;
  authorization?: string;
}

/** The APIs of Twilio, GitHub, GitLab and Telegram, on one port: they refuse what the true ones do. */
export interface FakeVendors extends AsyncDisposable {
  readonly url: string;
  /** What people read. */
  readonly said: Said[];
  /** Every call, those that were refused among them. */
  readonly calls: { method: string; path: string; query: URLSearchParams }[];
  next(...troubles: VendorTrouble[]): void;
}

export const ACCOUNT = `AC${"1".repeat(32)}`;
export const KEY = `SK${"2".repeat(32)}`;
export const API_SECRET = "twilio-api-secret-4711";
export const GITHUB_TOKEN = "github-token-canary-4711";
export const GITLAB_TOKEN = "gitlab-token-canary-4711";
export const BOT_TOKEN = "123456:ABCDEFGHIJKLMNOPQRSTUVWX";

export async function startVendors(): Promise<FakeVendors> {
  const said: Said[] = [];
  const calls: FakeVendors["calls"] = [];
  const troubles: VendorTrouble[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", headers } = request;
    const { pathname: path, searchParams: query } = new URL(request.url!, "http://vendor");
    let text = "";
    request.setEncoding("utf8");
    for await (const chunk of request) text += chunk;
    calls.push({ method, path, query });
    const send = (status: number, body: unknown, more: Record<string, string> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...more });
      response.end(JSON.stringify(body));
    };
    const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
    const body = text === ""
      ? {}
      : isForm
      ? Object.fromEntries(new URLSearchParams(text))
      : JSON.parse(text);
    const trouble = method === "POST" ? troubles.shift() : undefined;
    if (trouble === "hang") return;
    if (trouble && "status" in trouble) {
      if (trouble.taken) said.push({ path, body });
      return send(trouble.status, { message: "as scripted" }, {
        ...(trouble.retryAfter && { "retry-after": trouble.retryAfter }),
        ...(trouble.location && { location: trouble.location }),
      });
    }
    const [status, result] = respond({
      method,
      path,
      query,
      body,
      authorization: headers.authorization,
    });
    if (trouble) return void request.socket.destroy();
    send(status, result, { "x-request-id": `request-${calls.length}` });
  }

  function respond(
    { method, path, query, body, authorization }: Said & { method: string; query: URLSearchParams },
  ): [number, unknown] {
    const take = (result: (id: number) => unknown): [number, unknown] => {
      said.push({ path, body, authorization });
      return [201, result(said.length)];
    };
    const twilio = `/2010-04-01/Accounts/${ACCOUNT}`;
    if (path.startsWith("/2010-04-01/")) {
      if (authorization !== `Basic ${btoa(`${KEY}:${API_SECRET}`)}`) {
        return [401, { code: 20003, message: "Authenticate", status: 401 }];
      }
      if (path === `${twilio}.json`) return [200, { sid: ACCOUNT, friendly_name: "Phone team" }];
      if (path !== `${twilio}/Messages.json`) return [404, { code: 20404, message: "not found" }];
      if (method === "GET") {
        return [200, {
          messages: said.map(({ body }, index) => ({ sid: sidOf(index + 1), body: body.Body })),
        }];
      }
      if (!/^(whatsapp:)?\+\d+$/.test(body.To ?? "")) {
        return [400, { code: 21211, message: "Invalid 'To' Phone Number" }];
      }
      if (!body.Body || body.Body.length > 1600) return [400, { code: 21617, message: "too long" }];
      return take((id) => ({ sid: sidOf(id), status: "queued", to: body.To, from: body.From }));
    }
    if (path.startsWith("/bot")) {
      if (!path.startsWith(`/bot${BOT_TOKEN}/`)) {
        return [401, { ok: false, error_code: 401, description: "Unauthorized" }];
      }
      if (path.endsWith("/getMe")) return [200, { ok: true, result: { username: "ottobot" } }];
      if (typeof body.chat_id !== "number" || !body.text) {
        return [400, { ok: false, error_code: 400, description: "Bad Request: chat not found" }];
      }
      return take((id) => ({ ok: true, result: { message_id: id, chat: { id: body.chat_id } } }));
    }
    if (path.startsWith("/api/v4/")) {
      if (authorization !== `Bearer ${GITLAB_TOKEN}`) return [401, { message: "401 Unauthorized" }];
      if (path === "/api/v4/user") return [200, { username: "otto" }];
      if (method === "GET") {
        const notes = said.map(({ body }, index) => ({ id: index + 1, ...body }));
        return [200, paged(query.get("sort") === "desc" ? notes.reverse() : notes, query)];
      }
      if (
        !/^\/api\/v4\/projects\/\d+\/((issues|merge_requests)\/\d+\/notes|repository\/commits\/\w+\/comments)$/
          .test(path)
      ) {
        return [404, { message: "404 Not found" }];
      }
      return take((id) => path.endsWith("/notes") ? { id, body: body.body } : { note: body.note });
    }
    if (authorization !== `Bearer ${GITHUB_TOKEN}`) return [401, { message: "Bad credentials" }];
    if (path === "/user") return [200, { login: "otto-bot" }];
    if (!/^\/repos\/[^/]+\/[^/]+\/(issues\/\d+|commits\/\w+|pulls\/\d+)\/comments/.test(path)) {
      return [404, { message: "Not Found" }];
    }
    if (method === "GET") {
      const comments = said.map(({ body }, index) => ({ node_id: `IC_${index + 1}`, ...body }));
      return [200, paged(comments, query)];
    }
    return take((id) => ({ id, node_id: `IC_${id}`, body: body.body }));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    said,
    calls,
    next: (...more) => void troubles.push(...more),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function paged<Item>(items: readonly Item[], query: URLSearchParams): Item[] {
  const most = Number(query.get("per_page") ?? 30);
  const page = Number(query.get("page") ?? 1);
  return items.slice((page - 1) * most, page * most);
}

export const sidOf = (id: number) => `SM${String(id).padStart(32, "0")}`;

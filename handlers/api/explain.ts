import { type Explanation, explanation } from "../schemas/explanation.ts";
import { idParam, typeParam } from "../schemas/fields.ts";
import { conflict, createApi, createRoute, dropped, json, missing, refusals } from "../openapi.ts";
import { Problem } from "../problem.ts";
import type { WholeMessage } from "../../lib/message/message.ts";
import { requireContents, requireMessage } from "../../lib/work/verify/require_message.ts";
import { createBodyBudget, readBody } from "../webhook/body.ts";
import { explain, type ExplainParts } from "../webhook/explain.ts";
import { requireType } from "../webhook_type.ts";

/** `POST /webhook/{type}/explain`: what would become of a request, without taking it. */
export function explainRequest(parts: ExplainParts) {
  const budget = createBodyBudget();
  const app = createApi();
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/webhook/{type}/explain",
    operationId: "explainWebhook",
    summary: "What would become of this webhook: nothing is kept, nothing is done",
    description: "Send it as its sender would. The sender's own `Authorization` goes into " +
      "`X-Sender-Authorization`, since `Authorization` is the admin's.",
    request: { params: typeParam },
    responses: { 200: json("What would happen, and why", explanation), ...refusals },
  });
  app.post("/webhook/:type/explain", async (c) => {
    const type = c.req.param("type");
    requireType(type);
    const gate = parts.verifier.gateOf(type);
    const body = await readBody(c.req.raw, gate.bodyLimit, budget);
    try {
      const incoming = {
        type,
        method: "POST",
        url: parts.verifier.publicUrl(senderUrl(c.req.url)),
        headers: senderHeaders(c.req.raw.headers),
        body: body.bytes,
        queryForm: undefined,
        receivedAt: Date.now(),
      };
      return c.json(await explain(parts, { gate, incoming }), 200);
    } finally {
      body.release();
    }
  });
  return app;
}

/** The URL that the sender would have called. */
function senderUrl(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return origin + pathname.replace(/\/explain\/?$/, "") + search;
}

/**
 * Without what proves the admin, who asks in the sender's place: the sender's own
 * `Authorization` comes as `X-Sender-Authorization`.
 */
function senderHeaders(given: Headers): Headers {
  const headers = new Headers(given);
  const senders = headers.get("x-sender-authorization");
  headers.delete("x-sender-authorization");
  if (senders !== null) headers.set("authorization", senders);
  else if (/^Bearer /i.test(headers.get("authorization") ?? "")) headers.delete("authorization");
  headers.delete("cookie");
  return headers;
}

/** `GET /api/messages/{id}/explain`: the same for a kept message, judged at the time it came. */
export function explainMessage(parts: ExplainParts) {
  return createApi().openapi(
    createRoute({
      method: "get",
      path: "/api/messages/{id}/explain",
      operationId: "explainMessage",
      summary: "What would become of this message with today's settings: nothing is done",
      request: { params: idParam },
      responses: {
        200: json("What would happen, and why", explanation),
        ...missing,
        ...conflict,
        ...dropped,
        ...refusals,
      },
    }),
    async (c) => {
      const found = await requireMessage(parts.services.database, c.req.valid("param").id);
      return c.json(await explainWhole(parts, found), 200);
    },
  );
}

/**
 * What would become of a kept message today.
 *
 * @throws {Problem} 409 or 410 where its body is not kept.
 */
export async function explainWhole(
  parts: ExplainParts,
  found: WholeMessage,
): Promise<Explanation> {
  const { verifier } = parts;
  requireContents(found);
  if (found.body.byteLength < found.size) {
    throw new Problem(
      409,
      "body_not_kept",
      `Cannot explain the message: its body of ${found.size} bytes was too large to keep`,
      "Its reason says what was wrong; let the sender send it again",
    );
  }
  return await explain(parts, {
    gate: verifier.gateOf(found.webhook_type),
    incoming: verifier.incomingOf(found),
    id: found.message_id,
    address: found.client_ip || undefined,
  });
}

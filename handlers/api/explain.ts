import { parseBody } from "../../sources/kit/payload.ts";
import { findDelivery } from "../../lib/message/quarantine.ts";
import { errorText } from "../../lib/process/log.ts";
import type { Services } from "../../lib/services.ts";
import { findFirstSigned } from "../../lib/message/replay_guard.ts";
import type { Pauses } from "../../lib/ingress/pauses.ts";
import { mergeOf, reasonToFilter } from "../../sources/rules/source_rules.ts";
import { hintFor } from "../../sources/diagnosis/fingerprint.ts";
import { asSent } from "../../sources/kit/query.ts";
import { labelOf } from "../../sources/rules/registry.ts";
import { threadOf } from "../../sources/slack/command.ts";
import type { HandshakeReply, Incoming } from "../../sources/source.ts";
import { refusePaused } from "../webhook/ingress_policy.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { createBodyBudget, readBody } from "../webhook/body.ts";
import { SignatureRefused, type SourceGate } from "../webhook/source_gate.ts";
import { Problem } from "../problem.ts";
import { requireMessage } from "../require_message.ts";
import { type Explanation, explanation, idParam, typeParam } from "../schemas.ts";
import type { Verifier } from "../webhook/verifier.ts";
import { requireType } from "../webhook/webhook.ts";

type Options = { services: Services; verifier: Verifier; pauses: Pauses };

/** `POST /webhook/{type}/explain`: what would become of a request, without taking it. */
export function explainRequest({ services, verifier, pauses }: Options) {
  const budget = createBodyBudget();
  const app = createApi();
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/webhook/{type}/explain",
    summary: "What would become of this webhook: nothing is kept, nothing is done",
    description: "Send it as its sender would. The sender's own `Authorization` goes into " +
      "`X-Sender-Authorization`, since `Authorization` is the admin's.",
    request: { params: typeParam },
    responses: { 200: json("What would happen, and why", explanation), ...refusals },
  });
  app.post("/webhook/:type/explain", async (c) => {
    const type = c.req.param("type");
    requireType(type);
    const gate = verifier.gateOf(type);
    const { pathname, search, origin } = new URL(c.req.url);
    const body = await readBody(c.req.raw, gate.bodyLimit, budget);
    try {
      const explained = await explain({ services, verifier, pauses }, gate, {
        type,
        method: "POST",
        url: verifier.publicUrl(origin + pathname.replace(/\/explain\/?$/, "") + search),
        headers: senderHeaders(c.req.raw.headers),
        body: body.bytes,
        receivedAt: Date.now(),
      });
      return c.json(explained, 200);
    } finally {
      body.release();
    }
  });
  return app;
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
export function explainMessage({ services, verifier, pauses }: Options) {
  return createApi().openapi(
    createRoute({
      method: "get",
      path: "/api/messages/{id}/explain",
      summary: "What would become of this message with today's settings: nothing is done",
      request: { params: idParam },
      responses: {
        200: json("What would happen, and why", explanation),
        ...missing,
        ...conflict,
        ...refusals,
      },
    }),
    async (c) => {
      const found = await requireMessage(services.database, c.req.valid("param").id);
      if (found.body.byteLength < found.size) {
        throw new Problem(
          409,
          "body_not_kept",
          `Cannot explain the message: its body of ${found.size} bytes was too large to keep`,
          "Its reason says what was wrong; let the sender send it again",
        );
      }
      const gate = verifier.gateOf(found.webhook_type);
      const incoming = verifier.incomingOf(found);
      const explained = await explain({ services, verifier, pauses }, gate, incoming, {
        id: found.message_id,
        address: found.client_ip || undefined,
      });
      return c.json(explained, 200);
    },
  );
}

async function explain(
  { services: { config, database, sources, slack }, verifier, pauses }: Options,
  gate: SourceGate,
  incoming: Incoming,
  /** The message that it became, and the address that it came from, where that is known. */
  { id, address }: { id?: string; address?: string } = {},
): Promise<Explanation> {
  const { name, source } = gate;
  const probe = await source.probe?.(incoming, gate);
  const judged = probe ? NOT_ASKED : await judge(verifier, gate, incoming);
  const handshake = probe ??
    (judged.verdict === "verified" ? await source.handshake?.(incoming, gate) : undefined);
  const other = (found: string | undefined) => found === undefined || found === id ? null : found;
  const isPaused = pauses.since(name) !== undefined;
  const deliveryId = source.deliveryId?.(incoming) ?? null;
  const told = describe(gate, incoming);
  const isKept = judged.refused === undefined && !handshake;
  const settings = sources.settingsOf(name);
  const filtered = told.description && reasonToFilter({
    settings,
    agentAccounts: config.agentAccounts,
  }, {
    headers: incoming.headers,
    payload: told.payload,
    isRaw: told.isRaw,
    told: told.description,
  });
  const merge = isKept && told.description && filtered === undefined
    ? mergeOf(settings, { headers: incoming.headers, payload: told.payload })
    : undefined;
  return {
    webhook_type: incoming.type,
    source: name,
    label: labelOf(gate),
    verdict: judged.verdict,
    scheme: source.verify ? source.proof ?? "the vendor's signature" : null,
    why: judged.why,
    becomes: judged.refused ? "rejected" : handshake ? "handshake" : "message",
    delivery_id: deliveryId,
    repeat_of: other(
      deliveryId === null ? undefined : await findDelivery(database, { source: name, deliveryId }),
    ),
    hint: hintFor(incoming.headers, name) ?? null,
    event: told.description?.event ?? null,
    title: told.description?.title ?? null,
    description: told.description?.description ?? null,
    link: told.description?.link ?? null,
    error: told.error,
    gate: {
      paused_since: pauses.since(name) ?? null,
      address_allowed: address === undefined ? null : sources.allows(name, address),
      rate_limit: settings.rate_limit ?? null,
    },
    filter: {
      passes: told.description !== undefined && filtered === undefined,
      reason: filtered ?? told.error,
    },
    same_signed_as: isKept && judged.verdict === "verified"
      ? await findFirstSigned(database, {
        source: name,
        keys: source.signedContentKeys?.(asSent(source, incoming)) ?? [],
        but: id,
      }) ?? null
      : null,
    merge: merge ?? null,
    route: isKept && filtered === undefined && slack
      ? slack.routeOf({
        source: name,
        webhookType: incoming.type,
        thread: name === "slack" && judged.verdict === "verified"
          ? threadOf(told.payload)
          : undefined,
      })
      : null,
    answer: isPaused
      ? problemAnswer(refusePaused(gate))
      : judged.refused
      ? problemAnswer(judged.refused)
      : replyAnswer(handshake ?? source.answer?.(incoming), incoming.type),
  };
}

interface Judged {
  verdict: Explanation["verdict"];
  why: string;
  refused?: Problem;
}

const NOT_ASKED: Judged = {
  verdict: "unverified",
  why: "It is a handshake of this sender that is answered without a signature.",
};

async function judge(verifier: Verifier, gate: SourceGate, incoming: Incoming): Promise<Judged> {
  try {
    const verdict = await verifier.verify(gate, incoming);
    if (verdict === "verified") {
      return { verdict, why: `The signature fits the secret in ${gate.variable}.` };
    }
    return {
      verdict,
      why: gate.source.verify
        ? `No secret is set, so nothing is checked: set ${gate.variable}.`
        : "Otto knows no signature of this sender.",
    };
  } catch (error) {
    if (error instanceof SignatureRefused) {
      return { verdict: "rejected", why: await verifier.diagnose(gate, error), refused: error };
    }
    if (!(error instanceof Problem)) throw error;
    return { verdict: "rejected", why: `${error.message}. ${error.hint}`, refused: error };
  }
}

function describe({ source }: SourceGate, { type, headers, body }: Incoming) {
  try {
    const { payload, kind } = parseBody(body, headers.get("content-type") ?? undefined);
    const description = source.describe(payload, { headers, type });
    return { payload, isRaw: kind === "raw", description, error: null };
  } catch (error) {
    return {
      payload: undefined,
      isRaw: false,
      description: undefined,
      error: errorText(error).slice(0, 1_000),
    };
  }
}

function problemAnswer({ status, code, message, hint }: Problem): Explanation["answer"] {
  return {
    status,
    content_type: "application/json",
    body: JSON.stringify({ error: { code, message, hint } }),
  };
}

function replyAnswer(reply: HandshakeReply | undefined, type: string): Explanation["answer"] {
  return reply
    ? { status: reply.status, content_type: reply.contentType ?? null, body: reply.body ?? "" }
    : {
      status: 200,
      content_type: "application/json",
      body: `{"status":"received","message_id":"…","webhook_type":"${type}"}`,
    };
}

import type { OpenAPIHono } from "@hono/zod-openapi";
import { newId } from "../../lib/store/id.ts";
import { MOST_KEPT_BYTES, type RejectedMessage } from "../../lib/message/quarantine.ts";
import { createThrottle } from "../../lib/process/throttle.ts";
import { openRefusalLog } from "../../lib/ingress/refusal_log.ts";
import type { Services } from "../../lib/services.ts";
import { readQuery } from "../../sources/kit/query.ts";
import type { HandshakeReply, Incoming } from "../../sources/source.ts";
import type { IngressPolicy } from "./ingress_policy.ts";
import type { OfferedSecrets } from "./offered_secrets.ts";
import { createApi } from "../openapi.ts";
import { createBodyBudget, readBody } from "./body.ts";
import { clientAddress, type Connection, type Env } from "../caller.ts";
import { secretMissing, SignatureRefused, type SourceGate } from "./source_gate.ts";
import { createHints } from "./hint.ts";
import { takesMethod, wrongMethod } from "./method.ts";
import type { Metrics } from "../metrics.ts";
import { Problem } from "../problem.ts";
import type { Verifier } from "./verifier.ts";
import { DOCUMENT } from "./document.ts";

const TYPE = /^(?!\.+$)[A-Za-z0-9._-]{1,64}$/;
/** A flood of bad requests must not become a flood of log lines. */
const REFUSALS_QUIET_MS = 1_000;
/** The methods that some senders greet with before they post. */
const PROBES = new Set(["GET", "HEAD", "OPTIONS"]);
/** Names of our own pages under /webhook. */
const RESERVED = new Set(["health", "stats", "status"]);

/**
 * `POST /webhook/{type}`, and other methods of senders that have them: checks a message at the gate, in order, keeps it, and
 * only then answers. Nothing here looks into the payload, except for sources
 * whose delivery id is in there.
 */
export function webhook(
  { services, metrics, verifier, policy, offeredSecrets }: {
    services: Services;
    metrics: Metrics;
    verifier: Verifier;
    policy: IngressPolicy;
    offeredSecrets: OfferedSecrets;
  },
): OpenAPIHono<Env> {
  const { config, inbox, quarantine, log } = services;
  const { gateOf, publicUrl } = verifier;
  const budget = createBodyBudget();
  const refused = openRefusalLog(services);
  const throttle = createThrottle(REFUSALS_QUIET_MS);
  const hintOn = createHints(log);

  function logRefusal(webhook_type: string, code: string, client_ip: string): void {
    throttle((unsaid) =>
      log.warn("webhook.refused", { webhook_type, code, client_ip, refusals: unsaid + 1 })
    );
  }

  async function receive(request: Request, connection: Connection, type: string) {
    const receivedAt = Date.now();
    const gate = gateOf(type);
    const address = clientAddress(request, connection, config);
    let outcome = "received";
    try {
      policy.require(gate, { address, connection });
      const body = await readBody(request, gate.bodyLimit, budget);
      try {
        const incoming = {
          type,
          method: request.method,
          url: publicUrl(request.url),
          headers: request.headers,
          body: body.bytes,
          receivedAt,
        };
        return await keep(gate, request, address, readQuery(gate.source, incoming));
      } finally {
        body.release();
      }
    } catch (error) {
      outcome = error instanceof Problem ? error.code : "no_store";
      logRefusal(type, outcome, address);
      if (error instanceof Problem && error.status < 500) refused.note(gate.name, error);
      throw error;
    } finally {
      metrics.received(gate.name, outcome, (Date.now() - receivedAt) / 1_000);
    }
  }

  async function keep(
    gate: SourceGate,
    request: Request,
    address: string,
    incoming: Incoming,
  ): Promise<Response> {
    const { name, source } = gate;
    const { type, method, receivedAt } = incoming;
    const headers = headerList(incoming.headers);
    const toMessage = () => ({
      id: newId(),
      webhookType: type,
      source: name,
      envelope: {
        url: request.url,
        method: method === "POST" ? undefined : method,
        client_ip: address,
        delivery_id: source.deliveryId?.(incoming) ?? null,
        headers,
        hint: hintOn(name, type, headers),
      },
      body: incoming.body,
      receivedAt: new Date(receivedAt),
    });
    const probe = source.probe && await source.probe(incoming, gate);
    if (probe) return greet(probe, gate, address);
    const verification = await verifier.verify(gate, incoming).catch((error) => {
      // A GET that claims nothing is a visit, and no message that went wrong.
      const isVisit = method === "GET" && !/mismatch|window/.test(error.code);
      if (error instanceof SignatureRefused && !isVisit) setAside(gate, error, toMessage);
      throw error;
    });
    if (method === "GET" && verification !== "verified") throw wrongMethod(gate, method);
    const handshake = source.handshake && await source.handshake(incoming, gate);
    if (handshake) {
      if (verification !== "verified") throw secretMissing(gate);
      return toResponse(handshake);
    }
    policy.count(gate);
    const receipt = await inbox.accept({ ...toMessage(), verification });
    const reply = source.answer?.(incoming);
    return reply
      ? toResponse(reply, receipt.messageId)
      // Both texts are plain: an id of ours and a checked type.
      : new Response(
        `{"status":"received","message_id":"${receipt.messageId}","webhook_type":"${type}"}`,
        { headers: { "content-type": "application/json", "x-message-id": receipt.messageId } },
      );
  }

  /** Keeps what was refused, in the background: the sender's 401 waits for nothing. */
  function setAside(
    gate: SourceGate,
    refused: SignatureRefused,
    toMessage: () => Omit<RejectedMessage, "size">,
  ): void {
    const size = refused.incoming.body.byteLength;
    if (size > MOST_KEPT_BYTES) {
      const head = () => ({ ...toMessage(), size, body: new Uint8Array() });
      quarantine.put(gate.name, head, tooLarge(refused));
    } else {
      quarantine.put(
        gate.name,
        () => ({ ...toMessage(), size }),
        () => verifier.diagnose(gate, refused),
      );
    }
  }

  /** Answers a handshake; a secret that came with it is for the operator's eyes. */
  function greet(reply: HandshakeReply, gate: SourceGate, client_ip: string): Response {
    if (reply.offered) {
      offeredSecrets.note(gate, { secret: reply.offered, client_ip, at: new Date() });
    }
    return toResponse(reply);
  }

  async function probeAt(request: Request, connection: Connection, type: string) {
    const gate = gateOf(type);
    const address = clientAddress(request, connection, config);
    policy.requireAddress(gate, { address, connection });
    const reply = PROBES.has(request.method)
      ? await gate.source.probe?.({
        type,
        method: request.method,
        url: publicUrl(request.url),
        headers: request.headers,
        body: new Uint8Array(),
        receivedAt: Date.now(),
      }, gate)
      : undefined;
    if (reply) return greet(reply, gate, address);
    throw wrongMethod(gate, request.method);
  }

  const app = createApi();
  app.openAPIRegistry.registerPath(DOCUMENT);
  app.post("/webhook/:type", (c) => {
    const type = c.req.param("type");
    requireType(type);
    return receive(c.req.raw, c.env, type);
  });
  // Never 404: some senders (Typeform) unsubscribe for good when they see one.
  app.all("/webhook/:type", (c) => {
    const type = c.req.param("type");
    requireType(type);
    return takesMethod(gateOf(type), c.req.raw.method)
      ? receive(c.req.raw, c.env, type)
      : probeAt(c.req.raw, c.env, type);
  });
  app.all("/webhook/*", () => refuseType());
  app.all("/webhook", () => refuseType());
  return app;
}

/** Says why in a function that holds nothing of the request. */
function tooLarge({ message, hint }: SignatureRefused): () => Promise<string> {
  const reason = `${message}. ${hint} Its body is too large to be kept here (over ` +
    `${MOST_KEPT_BYTES} bytes): let the sender send it again.`;
  return () => Promise.resolve(reason);
}

/** @throws {Problem} 400 when a path names no webhook type. */
export function requireType(type: string): void {
  if (!TYPE.test(type) || RESERVED.has(type.toLowerCase())) refuseType();
}

/** @throws {Problem} 400, whatever the path was. */
export function refuseType(): never {
  throw new Problem(
    400,
    "bad_webhook_type",
    "The path does not name a webhook type",
    "Send to /webhook/{type}, where the type is 1 to 64 letters, digits, dots, dashes or " +
      "underscores, not only dots, and not health, stats or status",
  );
}

function toResponse(
  { status, contentType, body, headers }: HandshakeReply,
  messageId?: string,
): Response {
  return new Response(body ?? (status === 204 ? null : ""), {
    status,
    headers: {
      // A sender chose some of these words: no browser may guess that they are a page.
      "x-content-type-options": "nosniff",
      ...headers,
      ...(contentType ? { "content-type": contentType } : {}),
      ...(messageId ? { "x-message-id": messageId } : {}),
    },
  });
}

function headerList(headers: Headers): [name: string, value: string][] {
  const list: [string, string][] = [];
  headers.forEach((value, name) => list.push([name, value]));
  return list;
}

import { openRefusalLog } from "../../lib/ingress/refusal_log.ts";
import { MOST_KEPT_BYTES } from "../../lib/message/quarantine.ts";
import type { Verification } from "../../lib/message/message.ts";
import { createThrottle } from "../../lib/process/throttle.ts";
import type { Services } from "../../lib/services.ts";
import { readQuery } from "../../sources/kit/query.ts";
import { probed } from "../../sources/kit/incoming.ts";
import type { HandshakeReply } from "../../sources/source.ts";
import { clientAddress, type Connection } from "../caller.ts";
import { isSentFromHere } from "../local.ts";
import type { Metrics } from "../metrics.ts";
import { Problem } from "../problem.ts";
import { answerReceived, toResponse } from "./answer.ts";
import { type Arrival, toMessage } from "./arrival.ts";
import { createBodyBudget, readBody } from "./body.ts";
import { createHints } from "./hint.ts";
import type { IngressPolicy } from "./ingress_policy.ts";
import { wrongMethod } from "./method.ts";
import type { OfferedSecrets } from "./offered_secrets.ts";
import {
  secretMissing,
  SignatureRefused,
  type SourceGate,
} from "../../lib/work/verify/source_gate.ts";
import type { Verifier } from "../../lib/work/verify/verifier.ts";

/** What the gate asks and tells. */
export interface ReceiverParts {
  services: Services;
  metrics: Metrics;
  verifier: Verifier;
  policy: IngressPolicy;
  offeredSecrets: OfferedSecrets;
}

/** Takes webhooks in. */
export interface Receiver {
  /**
   * Checks a request at the gate, in order, keeps its message, and only then answers.
   *
   * @throws {Problem} when it is refused, or nothing can keep it.
   */
  receive(request: Request, from: Sender): Promise<Response>;
  /**
   * Answers a greeting: a request by a method that brings no message.
   *
   * @throws {Problem} 405 when this sender greets in another way, or not at all.
   */
  greet(request: Request, from: Sender): Promise<Response>;
  /** Notes that a path names no type, and throws the refusal. */
  refuse(refusal: () => never, path: string): never;
}

/** The `webhook_type` in the URL, and the connection that the request came by. */
export interface Sender {
  type: string;
  connection: Connection;
}

/** A flood of bad requests must not become a flood of log lines. */
const REFUSALS_QUIET_MS = 1_000;
/** The methods that some senders greet with before they post. */
const GREETINGS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Nothing here looks into a payload, except for sources whose delivery id is in there. */
export function createReceiver(parts: ReceiverParts): Receiver {
  const { services, metrics, verifier, policy, offeredSecrets } = parts;
  const { config, inbox, quarantine, log } = services;
  const budget = createBodyBudget();
  const hintOn = createHints(log);
  const noteRefusal = createRefusalNotes(services);

  async function receive(request: Request, { type, connection }: Sender): Promise<Response> {
    const receivedAt = Date.now();
    const gate = verifier.gateOf(type);
    const address = clientAddress(request, connection, config);
    let outcome = "received";
    try {
      policy.require(gate, { type, address, connection });
      const body = await readBody(request, gate.bodyLimit, budget);
      try {
        const { bodyLimit } = gate;
        const incoming = incomingOf(request, { type, body: body.bytes, receivedAt, bodyLimit });
        return await pass({
          gate,
          incoming: readQuery(gate.source, incoming),
          url: request.url,
          address,
          fromHere: () => isSentFromHere(config, request, connection),
        }, connection);
      } finally {
        body.release();
      }
    } catch (error) {
      outcome = error instanceof Problem ? error.code : "no_store";
      noteRefusal(error, { source: gate.name, type, address });
      throw error;
    } finally {
      metrics.received(gate.name, outcome, (Date.now() - receivedAt) / 1_000);
    }
  }

  /** The second half of the gate, where the whole request is known. */
  async function pass(
    arrival: Arrival,
    { isInside }: Connection,
  ): Promise<Response> {
    const { gate, incoming, address } = arrival;
    const { source } = gate;
    const probe = await probed(source, incoming, gate);
    if (probe) return answerProbe(probe, gate, address);
    const verification = await verify(arrival);
    const handshake = source.handshake && await source.handshake(incoming, gate);
    if (handshake) {
      if (verification !== "verified") throw secretMissing(gate);
      return toResponse(handshake);
    }
    policy.count(gate);
    const isVerified = verification === "verified";
    const message = { ...toMessage(arrival, { hintOn, isVerified }), verification };
    const isStrangers = !isVerified && !isInside && !message.envelope.from_here;
    const takeBack = isStrangers
      ? policy.countUnverified(gate, { address, bytes: keptBytes(message) })
      : undefined;
    const { messageId, repeat } = await inbox.accept(message).catch((error) => {
      // It comes again until there is a store: it must not have used up its share by then.
      takeBack?.();
      throw error;
    });
    // Nothing new is kept of it.
    if (repeat) takeBack?.();
    const reply = source.answer?.(incoming);
    return reply ? toResponse(reply, messageId) : answerReceived(messageId, incoming.type);
  }

  async function verify(arrival: Arrival): Promise<Verification> {
    const { gate, incoming } = arrival;
    const isGet = incoming.method === "GET";
    const verification = await verifier.verify(gate, incoming).catch((error) => {
      // A GET that claims nothing is a visit, and no message that went wrong.
      const isVisit = isGet && !/mismatch|window/.test(error.code);
      if (error instanceof SignatureRefused && !isVisit) setAside(arrival, error);
      throw error;
    });
    if (isGet && verification !== "verified") throw wrongMethod(gate, "GET");
    return verification;
  }

  /** Keeps what was refused, in the background: the sender's 401 waits for nothing. */
  function setAside(arrival: Arrival, refused: SignatureRefused): void {
    const { gate } = arrival;
    const size = refused.incoming.body.byteLength;
    if (size > MOST_KEPT_BYTES) {
      const head = () => ({ ...toMessage(arrival, { hintOn }), size, body: new Uint8Array() });
      quarantine.put(gate.name, head, tooLarge(refused));
    } else {
      quarantine.put(
        gate.name,
        () => ({ ...toMessage(arrival, { hintOn }), size }),
        () => verifier.diagnose(gate, refused),
      );
    }
  }

  /** A secret that came with a handshake is for the operator's eyes. */
  function answerProbe(reply: HandshakeReply, gate: SourceGate, client_ip: string): Response {
    if (reply.offered) {
      offeredSecrets.note(gate, { secret: reply.offered, client_ip, at: new Date() });
    }
    return toResponse(reply);
  }

  async function greet(request: Request, { type, connection }: Sender): Promise<Response> {
    const gate = verifier.gateOf(type);
    const address = clientAddress(request, connection, config);
    try {
      policy.requireAddress(gate, { address, connection });
    } catch (error) {
      noteRefusal(error, { source: gate.name, type, address });
      throw error;
    }
    if (!GREETINGS.has(request.method)) throw wrongMethod(gate, request.method);
    const body = new Uint8Array();
    const incoming = incomingOf(request, { type, body, receivedAt: Date.now() });
    const reply = await gate.source.probe?.(incoming, gate);
    if (!reply) throw wrongMethod(gate, request.method);
    return answerProbe(reply, gate, address);
  }

  function incomingOf(
    { method, url, headers }: Request,
    read: { type: string; body: Uint8Array; receivedAt: number; bodyLimit?: number },
  ) {
    return { ...read, method, url: verifier.publicUrl(url), headers, queryForm: undefined };
  }

  function refuse(refusal: () => never, path: string): never {
    try {
      return refusal();
    } catch (error) {
      noteRefusal(error, { source: NO_TYPE, type: path });
      throw error;
    }
  }

  return { receive, greet, refuse };
}

/** What a request to no type counts as. */
const NO_TYPE = "(none)";

/** Notes what the gate refuses: in the log, and on the source's page. */
function createRefusalNotes(services: Services) {
  const { log } = services;
  const refusals = openRefusalLog(services);
  const throttle = createThrottle(REFUSALS_QUIET_MS);
  return (
    error: unknown,
    { source, type, address }: { source: string; type: string; address?: string },
  ): void => {
    throttle((unsaid) =>
      log.warn("webhook.refused", {
        webhook_type: type,
        code: error instanceof Problem ? error.code : "no_store",
        client_ip: address,
        refusals: unsaid + 1,
      })
    );
    // What fails on our side is no refusal of the sender's.
    if (error instanceof Problem && error.status < 500) refusals.note(source, error, type);
  };
}

/** What a message takes on the disk, near enough: an empty body may come with 16 KiB of headers. */
function keptBytes({ body, envelope: { url, headers } }: ReturnType<typeof toMessage>): number {
  return headers.reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    body.byteLength + url.length,
  );
}

/** Says why in a function that holds nothing of the request. */
function tooLarge({ message, hint }: SignatureRefused): () => Promise<string> {
  const reason = `${message}. ${hint} Its body is too large to be kept here (over ` +
    `${MOST_KEPT_BYTES} bytes): let the sender send it again.`;
  return () => Promise.resolve(reason);
}

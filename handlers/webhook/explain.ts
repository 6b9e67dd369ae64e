import { isAlone } from "../../lib/config/loopback.ts";
import { findDelivery } from "../../lib/message/repeat.ts";
import { findFirstSigned } from "../../lib/message/replay_guard.ts";
import { errorText } from "../../lib/process/log.ts";
import { pauseOf, type Pauses } from "../../lib/ingress/pauses.ts";
import type { Services } from "../../lib/services.ts";
import { hintFor } from "../../sources/diagnosis/fingerprint.ts";
import { contentKey, contentOf, parseRequest, probed } from "../../sources/kit/incoming.ts";
import { signedKeysOf } from "../../sources/kit/signed.ts";
import { labelFor, sourceNameOf } from "../../sources/rules/names.ts";
import { redactParsed } from "../../sources/rules/redaction.ts";
import { mergeOf, reasonToFilter } from "../../sources/rules/source_rules.ts";
import { threadOf } from "../../sources/slack/command.ts";
import type { HandshakeReply, Incoming } from "../../sources/source.ts";
import { Problem } from "../problem.ts";
import type { Explanation } from "../schemas/explanation.ts";
import { explainSubject } from "./explain_subject.ts";
import { refusePaused } from "./ingress_policy.ts";
import { SignatureRefused, type SourceGate } from "../../lib/work/verify/source_gate.ts";
import type { Verifier } from "../../lib/work/verify/verifier.ts";

export interface ExplainParts {
  services: Services;
  verifier: Verifier;
  pauses: Pauses;
}

/** A request to explain. */
export interface Explained {
  gate: SourceGate;
  incoming: Incoming;
  /** The message that it became, where it is kept. */
  id?: string;
  /** The address that it came from, where that is known. */
  address?: string;
}

/**
 * What would become of a request with today's settings, judged at the time it came: every step
 * that a webhook goes, from the gate to its task, with nothing kept and nothing done.
 */
export async function explain(parts: ExplainParts, asked: Explained): Promise<Explanation> {
  const { gate, incoming } = asked;
  const { name, source } = gate;
  const { sources } = parts.services;
  const probe = await probed(source, incoming, gate);
  const judged = probe ? NOT_ASKED : await judge(parts.verifier, gate, incoming);
  const handshake = probe ??
    (judged.verdict === "verified" ? await source.handshake?.(incoming, gate) : undefined);
  const described = describe(parts, gate, incoming);
  const filtered = reasonToHoldBack(parts, asked, described);
  const isKept = judged.refused === undefined && !handshake;
  const isTask = isKept && filtered === undefined;
  const merge = isTask && described.description
    ? mergeOf(sources.settingsOf(name), {
      headers: incoming.headers,
      payload: described.payload,
    })
    : undefined;
  const subject = isKept
    ? await explainSubject(parts.services, {
      ...described,
      named: gate,
      incoming,
      isVerified: judged.verdict === "verified",
      filtered,
      isMerged: merge !== undefined,
    })
    : null;
  const mergeKey = merge?.key ?? subject?.key;
  const isJoined = typeof subject?.joins === "string";
  return {
    webhook_type: incoming.type,
    source: name,
    label: labelFor(sources, sourceNameOf(sources, incoming.type)),
    verdict: judged.verdict,
    scheme: source.verify ? source.proof ?? "the vendor's signature" : null,
    why: judged.why,
    becomes: judged.refused ? "rejected" : handshake ? "handshake" : "message",
    ...await repeatOf(parts, asked),
    hint: hintFor(incoming.headers, name, () => contentOf(incoming)) ?? null,
    event: described.description?.event ?? null,
    title: described.description?.title ?? null,
    description: described.description?.description ?? null,
    link: described.description?.link ?? null,
    error: described.error,
    gate: policyOn(parts, asked),
    filter: {
      passes: described.description !== undefined && (filtered === undefined || isJoined),
      reason: isJoined ? null : filtered ?? described.error,
    },
    same_signed_as: isKept && judged.verdict === "verified"
      ? await firstSignedAs(parts, asked)
      : null,
    merge: merge && mergeKey !== undefined ? { key: mergeKey, seconds: merge.seconds } : null,
    subject,
    route: isTask ? routeOf(parts, asked, { described, verdict: judged.verdict }) : null,
    answer: answerTo(parts, asked, { refused: judged.refused, handshake }),
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
      return { verdict, why: await whichFits(gate, incoming) };
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

/** Which of several secrets it is: one with a comma in it looks like two. */
async function whichFits(
  { source, secrets, variable }: SourceGate,
  incoming: Incoming,
): Promise<string> {
  const joined = secrets.filter((secret) => secret.includes(","));
  const others = secrets.filter((secret) => !joined.includes(secret));
  const isJoined = joined.length > 0 && !(await source.verify!(incoming, others)).ok &&
    (await source.verify!(incoming, joined)).ok;
  return isJoined
    ? `The signature fits all of ${variable} as one secret, with its comma.`
    : `The signature fits the secret in ${variable}.`;
}

/** What the worker would read in it; `error` where it could not. */
function describe(
  { services: { sources } }: ExplainParts,
  { name, source }: SourceGate,
  incoming: Incoming,
) {
  const { type, headers } = incoming;
  try {
    const { payload, kind } = redactParsed(
      parseRequest(incoming),
      sources.settingsOf(name).redact,
    );
    const description = source.describe(payload, { headers, type });
    return { payload, isRaw: kind === "raw", description, error: null };
  } catch (error) {
    return {
      payload: undefined,
      isRaw: false,
      description: undefined,
      error: errorText(error).slice(0, MOST_ERROR),
    };
  }
}

type Described = ReturnType<typeof describe>;

/** An error may quote the payload: as much of it as a person reads. */
const MOST_ERROR = 1_000;

/** Why the operator's rules would make no task of it; undefined where they would. */
function reasonToHoldBack(
  { services: { config, sources } }: ExplainParts,
  { gate, incoming: { headers } }: Explained,
  { payload, isRaw, description }: Described,
): string | undefined {
  return description && reasonToFilter(
    { settings: sources.settingsOf(gate.name), agentAccounts: config.agentAccounts },
    { headers, payload, isRaw, description },
  );
}

/** Its delivery's id, and another message that this delivery has become. */
async function repeatOf(
  { services: { database } }: ExplainParts,
  { gate: { name, source }, incoming, id }: Explained,
): Promise<Pick<Explanation, "delivery_id" | "repeat_of">> {
  const deliveryId = source.deliveryId?.(incoming) ?? null;
  if (deliveryId === null) return { delivery_id: null, repeat_of: null };
  const found = await findDelivery(database, {
    source: name,
    deliveryId,
    body: contentOf(incoming),
    content: contentKey(source, incoming),
  });
  return { delivery_id: deliveryId, repeat_of: found === id ? null : found ?? null };
}

/** The first other message with the same signed bytes, which the replay guard would find. */
async function firstSignedAs(
  { services: { database } }: ExplainParts,
  { gate: { name, source }, incoming, id }: Explained,
): Promise<string | null> {
  const keys = signedKeysOf(source, incoming);
  return await findFirstSigned(database, { source: name, keys, but: id }) ?? null;
}

/** What is asked before anything of it is read. */
function policyOn(
  { services: { sources }, pauses }: ExplainParts,
  { gate: { name }, incoming: { type }, address }: Explained,
): Explanation["gate"] {
  return {
    paused_since: pauseOf(pauses, sources, type)?.since ?? null,
    address_allowed: address === undefined ? null : sources.allows(name, address),
    rate_limit: sources.settingsOf(name).rate_limit ?? null,
  };
}

/** Where Slack would show its task; null without Slack, or where a stranger's is not told. */
function routeOf(
  { services: { config, slack } }: ExplainParts,
  { gate: { name }, incoming }: Explained,
  { described, verdict }: { described: Described; verdict: Explanation["verdict"] },
): Explanation["route"] {
  const isOfThread = name === "slack" && verdict === "verified";
  return slack?.routeOf({
    source: name,
    webhookType: incoming.type,
    isVouchedFor: verdict === "verified" || isAlone(config),
    thread: isOfThread ? threadOf(described.payload) : undefined,
  }) ?? null;
}

/** What its sender would hear. */
function answerTo(
  { services: { sources }, pauses }: ExplainParts,
  { gate, incoming }: Explained,
  { refused, handshake }: { refused?: Problem; handshake?: HandshakeReply },
): Explanation["answer"] {
  if (pauseOf(pauses, sources, incoming.type)) {
    return problemAnswer(refusePaused(sources, incoming.type));
  }
  if (refused) return problemAnswer(refused);
  const reply = handshake ?? gate.source.answer?.(incoming);
  return reply
    ? { status: reply.status, content_type: reply.contentType ?? null, body: reply.body ?? "" }
    : {
      status: 200,
      content_type: "application/json",
      body: `{"status":"received","message_id":"…","webhook_type":"${incoming.type}"}`,
    };
}

function problemAnswer({ status, code, message, hint }: Problem): Explanation["answer"] {
  return {
    status,
    content_type: "application/json",
    body: JSON.stringify({ error: { code, message, hint } }),
  };
}

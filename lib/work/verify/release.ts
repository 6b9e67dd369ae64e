import type { Verification, WholeMessage } from "../../message/message.ts";
import { releaseRejected } from "../../message/quarantine.ts";
import type { Services } from "../../services.ts";
import { contentKey, contentOf, probed } from "../../../sources/kit/incoming.ts";
import type { Incoming } from "../../../sources/source.ts";
import { Problem } from "../../process/problem.ts";
import { requireMessage } from "./require_message.ts";
import { SignatureRefused, type SourceGate } from "./source_gate.ts";
import type { Verifier } from "./verifier.ts";

export interface ReleaseParts {
  services: Services;
  verifier: Verifier;
}

/** A message that was refused, and is let in now. */
export interface Released {
  message_id: string;
  state: "new";
  verification: Exclude<Verification, "rejected">;
}

/**
 * Lets a message in that was refused, once its signature is right.
 *
 * @throws {Problem} 404 when there is none, 409 with what to change when it is still refused.
 */
export async function release(
  parts: ReleaseParts,
  id: string,
  actor: string,
): Promise<Released> {
  const { services: { database, queue, log }, verifier } = parts;
  const found = await requireMessage(database, id);
  requireWhole(found);
  const { message_id, webhook_type } = found;
  const gate = verifier.gateOf(webhook_type);
  const incoming = verifier.incomingOf(found);
  const verification = await verifyAgain(parts, gate, incoming);
  await requireNoHandshake(gate, incoming);
  const outcome = await releaseRejected(database, {
    id: message_id,
    source: gate.name,
    verification,
    actor,
    deliveryId: gate.source.deliveryId?.(incoming) ?? null,
    body: contentOf(incoming),
    content: contentKey(gate.source, incoming),
  });
  if (!outcome.released) throw alreadyThere(outcome.repeats);
  log.info("message.released", { message_id, webhook_type, verification });
  queue.send([message_id]);
  return { message_id, state: "new", verification };
}

async function verifyAgain(
  { services: { config }, verifier }: ReleaseParts,
  gate: SourceGate,
  incoming: Incoming,
): Promise<Released["verification"]> {
  try {
    return await verifier.verify(gate, incoming) === "verified" ? "verified" : "unverified";
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    // Its signature is right, so that a person may vouch for its time: a clock was wrong.
    if (error.code === "timestamp_outside_window" && !config.requireVerified) return "unverified";
    const reason = error instanceof SignatureRefused
      ? await verifier.diagnose(gate, error)
      : `${error.message}. ${error.hint}`;
    throw new Problem(
      409,
      error.code,
      `Cannot release the message: it is still refused. ${reason}`,
      "Change what the reason names, start Otto again, then release it",
    );
  }
}

async function requireNoHandshake(gate: SourceGate, incoming: Incoming): Promise<void> {
  const { source } = gate;
  if (await probed(source, incoming, gate) ?? await source.handshake?.(incoming, gate)) {
    throw new Problem(
      409,
      "is_handshake",
      "Cannot release the message: it is a handshake, whose sender waits for the answer",
      "Let the sender verify the URL again: the secret is right now",
    );
  }
}

function requireWhole({ state, size, body }: WholeMessage): void {
  if (state !== "rejected") {
    throw new Problem(
      409,
      "not_rejected",
      `Cannot release the message: it is ${state}, not rejected`,
      "To work an accepted message again: POST /api/messages/{id}/replay",
    );
  }
  if (body.byteLength < size) {
    throw new Problem(
      409,
      "body_not_kept",
      `Cannot release the message: its body of ${size} bytes was too large to keep`,
      "Let the sender send it again",
    );
  }
}

function alreadyThere(first: string | undefined): Problem {
  return new Problem(
    409,
    first ? "already_received" : "not_rejected",
    first
      ? `Cannot release the message: this delivery was accepted as ${first}`
      : "Cannot release the message: somebody else did meanwhile",
    "There is nothing left to do; DELETE /api/messages/{id} removes this copy",
  );
}

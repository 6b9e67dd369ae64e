import { type WholeMessage } from "../../lib/message/message.ts";
import { releaseRejected } from "../../lib/message/quarantine.ts";
import type { Services } from "../../lib/services.ts";
import type { Incoming } from "../../sources/source.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { SignatureRefused, type SourceGate } from "../webhook/source_gate.ts";
import { Problem } from "../problem.ts";
import { requireMessage } from "../require_message.ts";
import { idParam, released } from "../schemas.ts";
import type { Verifier } from "../webhook/verifier.ts";

/** Lets messages in that were refused, once their signature is right: in the API, and on their page. */
export function quarantine(
  { services: { config, database, queue, log }, verifier }: {
    services: Services;
    verifier: Verifier;
  },
) {
  const app = createApi().openapi(
    createRoute({
      method: "post",
      path: "/api/messages/{id}/release",
      summary: "Verify a rejected message again, with today's secrets, and work it",
      request: { params: idParam },
      responses: {
        200: json("It is a new message now", released),
        ...missing,
        ...conflict,
        ...refusals,
      },
    }),
    async (c) => c.json(await release(c.req.valid("param").id), 200),
  );
  app.post("/messages/:id/release", async (c) => {
    const { message_id } = await release(c.req.param("id"));
    return c.redirect(`/messages/${message_id}`, 303);
  });
  return app;

  async function release(id: string) {
    const found = await requireMessage(database, id);
    const { message_id, webhook_type } = found;
    requireWhole(found);
    const gate = verifier.gateOf(webhook_type);
    const incoming = verifier.incomingOf(found);
    const verification = await verify(gate, incoming);
    const { source, name } = gate;
    if (await source.probe?.(incoming, gate) ?? await source.handshake?.(incoming, gate)) {
      throw new Problem(
        409,
        "is_handshake",
        "Cannot release the message: it is a handshake, whose sender waits for the answer",
        "Let the sender verify the URL again: the secret is right now",
      );
    }
    const outcome = await releaseRejected(database, {
      id: message_id,
      source: name,
      verification,
      deliveryId: source.deliveryId?.(incoming) ?? null,
    });
    if (!outcome.released) throw alreadyThere(outcome.repeats);
    log.info("message.released", { message_id, webhook_type, verification });
    queue.send([message_id]);
    return { message_id, state: "new" as const, verification };
  }

  async function verify(gate: SourceGate, incoming: Incoming): Promise<"verified" | "unverified"> {
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

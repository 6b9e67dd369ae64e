import { readMessage, type WholeMessage } from "../lib/message.ts";
import { releaseRejected } from "../lib/quarantine.ts";
import type { Services } from "../lib/services.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "./api.ts";
import { SignatureRefused } from "./door.ts";
import { notFound, Problem } from "./problem.ts";
import { idParam, released } from "./schemas.ts";
import type { Verifier } from "./verifier.ts";

/** `/api/messages/{id}/release`: lets a message in that was refused, once its signature is right. */
export function quarantine(
  { services: { database, queue, log }, verifier }: { services: Services; verifier: Verifier },
) {
  return createApi().openapi(
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
    async (c) => {
      const found = await readMessage(database, c.req.valid("param").id);
      if (!found) throw notFound("message");
      const { message_id } = found;
      requireWhole(found);
      const door = verifier.doorOf(found.webhook_type);
      const incoming = verifier.incomingOf(found);
      const verification = await verifier.verify(door, incoming).catch(async (error) => {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        const reason = error instanceof SignatureRefused
          ? await verifier.diagnose(door, error)
          : `${error.message}. ${error.hint}`;
        throw new Problem(
          409,
          error.code,
          `Cannot release the message: it is still refused. ${reason}`,
          "Change what the reason names, start Otto again, then release it",
        );
      });
      const { source, name } = door;
      if (await source.probe?.(incoming, door) ?? await source.handshake?.(incoming, door)) {
        throw new Problem(
          409,
          "is_handshake",
          "Cannot release the message: it is a handshake, whose sender waits for the answer",
          "Let the sender verify the URL again: the secret is right now",
        );
      }
      const release = await releaseRejected(database, {
        id: message_id,
        source: name,
        verification,
        deliveryId: source.deliveryId?.(incoming) ?? null,
      });
      if (!release.released) throw alreadyThere(release.repeats);
      log.info("message.released", { message_id, webhook_type: found.webhook_type, verification });
      queue.send([message_id]);
      return c.json({
        message_id,
        state: "new" as const,
        verification: verification === "verified" ? "verified" as const : "unverified" as const,
      }, 200);
    },
  );
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

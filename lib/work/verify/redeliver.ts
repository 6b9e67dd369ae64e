import type { Config } from "../../config/config.ts";
import { readWholeMessages, type Verification, type WholeMessage } from "../../message/message.ts";
import { redeliverMessages, type Redelivery } from "../../message/redeliver.ts";
import type { Services } from "../../services.ts";
import { SignatureRefused } from "./source_gate.ts";
import { Problem } from "../../process/problem.ts";
import { requireContents } from "./require_message.ts";
import type { Verifier } from "./verifier.ts";

/** A message that is not worked again, and why. */
export interface NotRedelivered {
  message_id: string;
  code: string;
  message: string;
}

/** Works kept messages again: each is verified anew, by today's secrets at the time it came. */
export interface Redeliverer {
  /**
   * Of many, those that are not right any more stay out, and are named. `made` are the ids that
   * the new ones get, by those of the old ones: what is there already is not made again.
   */
  redeliverAll(
    ids: readonly string[],
    made?: ReadonlyMap<string, string>,
  ): Promise<{ items: Redelivery[]; refused: NotRedelivered[] }>;
  /** @throws {Problem} 409 when it is not right any more, with what would make it so. */
  redeliverOne(id: string): Promise<Redelivery | undefined>;
}

export function createRedeliverer(
  { services: { config, database, queue }, verifier }: { services: Services; verifier: Verifier },
): Redeliverer {
  async function verify(message: WholeMessage): Promise<Verification> {
    requireContents(message);
    if (message.state === "rejected") throw wasRefused();
    if (message.edited) {
      // A token in its URL may still be right: it vouches for the sender's bytes, not for these.
      requireEdits(config);
      return "unverified";
    }
    return await verifier.verify(
      verifier.gateOf(message.webhook_type),
      verifier.incomingOf(message),
    );
  }

  async function make(asked: readonly { id: string; verification: Verification; made?: string }[]) {
    const items = asked.length > 0 ? await redeliverMessages(database, asked) : [];
    queue.send(items.map(({ message_id }) => message_id));
    return items;
  }

  return {
    async redeliverAll(ids, made) {
      const verified: { id: string; verification: Verification; made?: string }[] = [];
      const refused: NotRedelivered[] = [];
      for await (const message of readWholeMessages(database, ids)) {
        const { message_id: id } = message;
        try {
          verified.push({ id, verification: await verify(message), made: made?.get(id) });
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          refused.push({ message_id: id, code: error.code, message: error.message });
        }
      }
      return { items: await make(verified), refused };
    },
    async redeliverOne(id) {
      for await (const message of readWholeMessages(database, [id])) {
        const verification = await verify(message).catch(async (error) => {
          if (!(error instanceof Problem) || error.status !== 401) throw error;
          const why = error instanceof SignatureRefused
            ? await verifier.diagnose(verifier.gateOf(message.webhook_type), error)
            : `${error.message}. ${error.hint}`;
          throw new Problem(
            409,
            error.code,
            `Cannot replay the message: with today's secrets it would be refused. ${why}`,
            "Change what is named there, start Otto again, then replay it; a secret that was " +
              "changed meanwhile may stand beside the new one, separated by a comma",
          );
        });
        const [made] = await make([{ id: message.message_id, verification }]);
        return made;
      }
    },
  };
}

/** So many are verified and stored together: what fails in between loses no more than these. */
const REDELIVERED_AT_ONCE = 200;

/** Replays many in parts, the oldest first, as they came. What was made stays, whatever fails then. */
export async function* redeliverInParts(
  redeliverer: Redeliverer,
  ids: readonly string[],
): AsyncGenerator<Awaited<ReturnType<Redeliverer["redeliverAll"]>>> {
  const oldest = ids.toSorted();
  for (let from = 0; from < oldest.length; from += REDELIVERED_AT_ONCE) {
    yield await redeliverer.redeliverAll(oldest.slice(from, from + REDELIVERED_AT_ONCE));
  }
}

function wasRefused(): Problem {
  return new Problem(
    409,
    "wrong_state",
    "A message that was refused cannot be replayed",
    "Nobody vouches for it: set its secret right, then release it",
  );
}

/** @throws {Problem} 409 where only verified messages are taken: an edited one cannot be. */
export function requireEdits({ requireVerified }: Pick<Config, "requireVerified">): void {
  if (!requireVerified) return;
  throw new Problem(
    409,
    "verified_only",
    "Only verified messages are taken here, and nobody has signed an edited one",
    "Replay what the sender has sent, or unset WEBHOOK_REQUIRE_VERIFIED",
  );
}

import { deleteMessage } from "../../message/delete.ts";
import { markRead } from "../../notify/notification.ts";
import { notFound, Problem } from "../../process/problem.ts";
import type { Services } from "../../services.ts";
import { cancelTask, readTask, retryTask } from "../../task/task.ts";
import type { Redeliverer } from "../verify/redeliver.ts";
import { release } from "../verify/release.ts";
import type { Verifier } from "../verify/verifier.ts";
import type { BulkVerb } from "./bulk_action.ts";

/** What acts are made with. */
export interface ActParts {
  services: Services;
  verifier: Verifier;
  redeliverer: Redeliverer;
}

/** Acts on one thing for somebody; @throws {Problem} when it is not right for it. */
export type Act = (parts: ActParts, id: string, actor: string) => Promise<void>;

/** What is done to each of many by itself. Replays are made together: `redeliverInParts`. */
export const ACTS: Record<Exclude<BulkVerb, "replay">, Act> = {
  release: async (parts, id, actor) => void await release(parts, id, actor),
  async delete({ services: { database } }, id) {
    if (!await deleteMessage(database, id)) throw notFound("message");
  },
  async retry({ services }, id, actor) {
    if (!await retryTask(services.database, { id, actor })) {
      throw await wrongStatus(services, {
        id,
        done: "retried",
        right: "a failed or cancelled one",
      });
    }
    services.bells.tasks.ring();
  },
  async cancel({ services }, id, actor) {
    if (await cancelTask(services.database, { id, actor })) return;
    throw await wrongStatus(services, { id, done: "cancelled", right: "one that has not ended" });
  },
  async read({ services: { database } }, id) {
    if (!await markRead(database, id)) throw notFound("notification");
  },
};

/**
 * What an act says of a thing that it was done to before: whoever tries a second time, after a
 * worker died in between, takes it for done.
 */
export const DONE_BEFORE: Record<Exclude<BulkVerb, "replay">, string | undefined> = {
  release: "not_rejected",
  delete: "message_not_found",
  retry: "wrong_status",
  cancel: "wrong_status",
  read: undefined,
};

async function wrongStatus(
  { database }: Services,
  { id, done, right }: { id: string; done: string; right: string },
): Promise<Problem> {
  const task = await readTask(database, id);
  if (!task) return notFound("task");
  return new Problem(
    409,
    "wrong_status",
    `A task that is ${task.status} cannot be ${done}`,
    `Only ${right} can be`,
  );
}

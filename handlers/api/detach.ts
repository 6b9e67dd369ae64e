import { detachMessage, type NotDetached } from "../../lib/message/subject/detach.ts";
import type { Services } from "../../lib/services.ts";
import { notFound, Problem } from "../problem.ts";

/** Why not, and what can be done instead. */
const WHY: Record<NotDetached, [why: string, hint: string]> = {
  not_waiting: [
    "It waits in no other task's inbox",
    "Replay it for another task: POST /api/messages/{id}/replay",
  ],
  read: [
    "The agent of its task has read it and works with it",
    "Replay it for a task of its own: POST /api/messages/{id}/replay",
  ],
  closes: [
    "It has closed what its task is about, and the task ends with it",
    "Replay it for a task of its own: POST /api/messages/{id}/replay",
  ],
  moving: [
    "Its task has ended without reading it, and a new one is made of it just now",
    "Look again in some seconds: its `task_id` is that of the new task",
  ],
};

/**
 * Makes a task of its own of a message that waits in another's inbox.
 *
 * @returns the new task's id.
 * @throws {Problem} 404, or 409 where it waits in none.
 */
export async function detach(
  { database, bells }: Services,
  given: { id: string; actor: string },
): Promise<string> {
  const came = await detachMessage(database, given);
  if (!came) throw notFound("message");
  if ("refused" in came) {
    const [why, hint] = WHY[came.refused];
    throw new Problem(409, "wrong_state", `This message cannot be detached. ${why}`, hint);
  }
  bells.tasks.ring();
  return came.taskId;
}

import type { Assignment } from "../agent/agent.ts";
import type { Description } from "../../sources/description.ts";
import { readGroup } from "../message/group/group.ts";
import type { Services } from "../services.ts";
import type { ClaimedTask } from "../task/claim.ts";
import { readEarlier } from "../task/earlier.ts";

/** All that an agent may know about a task; its message is read again only where nothing was kept of it. */
export async function assign(
  { database, sources, reader }: Pick<Services, "database" | "sources" | "reader">,
  task: ClaimedTask,
): Promise<Assignment> {
  const { webhookType, described: kept } = task;
  const { name } = sources.find(webhookType);
  const read = kept ? undefined : await reader.describe(task);
  const verified = task.verification === "verified";
  const { from_here, ...described } = kept ?? {};
  // Only where the operator has messages merged is there a group to be asked for.
  const { merge, later } = sources.settingsOf(name);
  const continues = later === "continue" && task.subjectId !== null;
  const group = merge || continues ? await readGroup(database, task.id) : undefined;
  return {
    taskId: task.id,
    epoch: task.epoch,
    title: task.title,
    description: task.description,
    source: name,
    subjectId: task.subjectId,
    webhookType,
    described: read?.description ??
      { title: task.title, description: task.description, ...described } satisfies Description,
    loadPayload: async () => (read ?? await reader.describe(task)).payload,
    verified,
    fromHere: read?.fromHere ?? from_here === true,
    merged: group &&
      { messages: group.messages, titles: group.merged.map(({ title }) => title ?? "") },
    receivedAt: task.receivedAt,
    inbox: continues
      ? {
        read: ({ id, webhookType, size }) => reader.describe({ messageId: id, webhookType, size }),
      }
      : undefined,
    earlier: task.subjectId === null
      ? undefined
      : await readEarlier(database, { taskId: task.id, subjectId: task.subjectId, verified }),
  };
}

import type { Assignment } from "../agent/agent.ts";
import { readGroup } from "../message/group/group.ts";
import type { Services } from "../services.ts";
import type { ClaimedTask } from "../task/claim.ts";

/** All that an agent may know about a task. */
export async function assign(
  { database, sources, reader }: Pick<Services, "database" | "sources" | "reader">,
  task: ClaimedTask,
): Promise<Assignment> {
  const { webhookType } = task;
  const { name } = sources.find(webhookType);
  const { payload, description: described } = await reader.describe(task);
  // Only where the operator has messages merged is there a group to be asked for.
  const group = sources.settingsOf(name).merge && await readGroup(database, task.id);
  return {
    taskId: task.id,
    epoch: task.epoch,
    title: task.title,
    description: task.description,
    source: name,
    webhookType,
    described,
    payload,
    verified: task.verification === "verified",
    fromHere: task.fromHere,
    merged: group &&
      { messages: group.messages, titles: group.merged.map(({ title }) => title ?? "") },
    receivedAt: task.receivedAt,
  };
}

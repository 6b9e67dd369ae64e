import { parsePayload } from "../../sources/kit/payload.ts";
import type { Assignment } from "../agent/agent.ts";
import { readGroup } from "../message/group/group.ts";
import { readBody } from "../message/message.ts";
import type { Services } from "../services.ts";
import type { ClaimedTask } from "../task/claim.ts";

/** All that an agent may know about a task. */
export async function assign(
  { database, sources }: Pick<Services, "database" | "sources">,
  task: ClaimedTask,
): Promise<Assignment> {
  const { headers, webhookType } = task;
  const { name, source } = sources.find(webhookType);
  const body = task.body ?? await readBody(database, task.messageId) ?? new Uint8Array();
  const payload = parsePayload(body, headers.get("content-type") ?? undefined);
  // Only where the operator has messages merged is there a group to be asked for.
  const group = sources.settingsOf(name).merge && await readGroup(database, task.id);
  return {
    taskId: task.id,
    epoch: task.epoch,
    title: task.title,
    description: task.description,
    source: name,
    webhookType,
    described: source.describe(payload, { headers, type: webhookType }),
    payload,
    verified: task.verification === "verified",
    fromHere: task.fromHere,
    merged: group &&
      { messages: group.messages, titles: group.merged.map(({ title }) => title ?? "") },
    receivedAt: task.receivedAt,
  };
}

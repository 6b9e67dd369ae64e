import {
  type ClosedGroup,
  completeGroups,
  lineOfAll,
  takeClosedGroups,
} from "../message/group/group_complete.ts";
import { readWaiting, type WaitingMember } from "../message/group/group.ts";
import type { Services } from "../services.ts";
import type { DecidedMessage } from "./message_outcome.ts";
import { type MessageWriter, writeGroup } from "./message_writer.ts";

/** Something else about the same changes, and again: each time one of both gets on. */
const MOST_TRIES = 50;

/**
 * Makes what debounce groups become once they are due: a task each, or, where messages continue
 * tasks, part of the one that is open about the same.
 *
 * @returns how many it completed.
 */
export async function settleGroups(
  writer: MessageWriter & Pick<Services, "sources">,
): Promise<number> {
  const { database, assignee, sources } = writer;
  const groups = await takeClosedGroups(database);
  const joins = ({ webhookType, hasSubject }: ClosedGroup) =>
    hasSubject && webhookType !== null &&
    sources.settingsOf(sources.find(webhookType).name).later === "continue";
  const apart = groups.filter((group) => !joins(group));
  let completed = await completeGroups(database, apart, assignee);
  for (const group of groups.filter(joins)) completed += await joinGroup(writer, group);
  return completed;
}

async function joinGroup(writer: MessageWriter, group: ClosedGroup): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const members = await readWaiting(writer.database, group.id);
    // Another worker has it, or one was deleted: the next look sees what there is.
    if (members.length !== group.messages) return 0;
    if (await writeGroup(writer, decideGroup(group, members))) return 1;
  }
  throw new Error("the task of a group changes whenever the group is to join it");
}

/** The first that is more than a note decides for all of them. */
function decideGroup(
  { messages, merged, title, description, slack_place, slack_thread }: ClosedGroup,
  members: readonly WaitingMember[],
): DecidedMessage[] {
  const isTakenBack = ({ role, isAbout, isClosed, isOpenByTime }: WaitingMember) =>
    role === "closes" && isAbout && !isClosed && (isOpenByTime || "unless_begun");
  const tellsMore = (member: WaitingMember) => member.role !== "notes" && !isTakenBack(member);
  const leader = members.find(tellsMore) ?? members.find(({ role }) => role !== "notes") ??
    members[0];
  return members.map((member): DecidedMessage => {
    const { id: messageId, epoch, event, verified, source, key, webhookType } = member;
    const leads = member === leader;
    return {
      outcome: {
        messageId,
        epoch,
        event,
        title: leads ? lineOfAll(messages, title ?? "") : member.title,
        description: leads ? lineOfAll(messages, description ?? "") : member.description,
        grouped: true,
        // It was told when it came: only its task is asked for.
        subject: { source, key, verified, role: "notes", aliases: [], joins: [] },
        ...leads && messages > 1 ? { group: { messages, merged } } : {},
        ...leads && slack_place !== null
          ? { slack: { place: slack_place, thread_ts: slack_thread } }
          : {},
      },
      joining: {
        messageId,
        webhookType,
        event,
        role: member.isAbout ? member.role ?? "continues" : "continues",
        isTakenBack: isTakenBack(member),
        ...leads ? {} : { leader: leader.id },
      },
    };
  });
}

import type { SlackSelf } from "../../sources/slack/command.ts";
import { unlessAborted } from "../async/deadline.ts";
import { fitsSlack } from "../notify/slack/blocks.ts";
import type { JoiningMessage } from "../message/subject/planned.ts";
import type { MessageSubject } from "../message/subject/subject.ts";
import { readTaskSubject } from "../message/subject/task_subject.ts";
import type { Slack } from "../notify/slack/slack.ts";
import { claimCommand, findThreadTasks, type ThreadTask } from "../notify/slack/thread.ts";
import type { Services } from "../services.ts";
import { readClock } from "../store/clock.ts";
import { type Approval, listApprovals, readApproval } from "../task/approval.ts";
import { readTask } from "../task/task.ts";
import {
  answer,
  type CommandInHand,
  decide,
  isApprover,
  mayDecide,
  retry,
  tooEarly,
  whisper,
} from "./slack_acts.ts";
import {
  addressedTask,
  buttonOf,
  needsIdentity,
  recognise,
  type ReplyWish,
  type SlackClick,
  type ThreadReply,
  wishOf,
} from "./slack_commands.ts";

/** What a Slack message was, that makes no task of its own. */
export interface ObeyedCommand {
  state: "processed" | "filtered";
  reason: string;
  /** The task that it is about. */
  taskId: string | null;
  /** What that task is about, and so this. */
  subject?: MessageSubject;
  /** It goes to the task that is open about that; the reason above is for when there is none. */
  joining?: Pick<JoiningMessage, "webhookType" | "isSpokenTo">;
}

type CommandServices = Pick<Services, "database" | "bells" | "slack" | "sources">;

/** Shorter than a lease, and the envelope nearly always says it already. */
const IDENTIFY_MS = 2_000;
/** How long another bot's message waits for Slack to say who we are. */
const UNKNOWN_BOT_MS = 10 * 60_000;

/**
 * Obeys what a message from Slack says about a task that is there already. May
 * be called again for the same message: each command counts once.
 *
 * @param claimedAt when a worker first had the message in its hands.
 * @returns undefined for an ordinary message, which becomes a task; "later" when
 * nobody can say yet which of them it is.
 */
export async function handleSlackMessage(
  services: CommandServices,
  { messageId, payload, claimedAt }: { messageId: string; payload: unknown; claimedAt: Date },
): Promise<ObeyedCommand | "later" | undefined> {
  const { database, bells, slack } = services;
  const self = slack && needsIdentity(payload) ? await identify(slack) : undefined;
  const meaning = recognise(payload, self);
  if (meaning.is === "ignored") return filtered(meaning.reason);
  if (meaning.is === "unknown_bot") {
    const { now } = await readClock(database);
    if (now.getTime() - claimedAt.getTime() < UNKNOWN_BOT_MS) return "later";
    return filtered(
      "A bot's message in Slack: Slack did not say for ten minutes who Otto is " +
        "(auth.test), so it may be Otto's own",
    );
  }
  if (!slack || meaning.is === "new") return undefined;
  const { command } = meaning;
  const inHand = { database, bells, slack };
  return command.kind === "click"
    ? await obeyClick({ ...inHand, command })
    : await obeyReply(services, { ...inHand, command }, messageId);
}

function filtered(reason: string): ObeyedCommand {
  return { state: "filtered", reason, taskId: null };
}

async function identify(slack: Slack): Promise<SlackSelf | "unknown"> {
  const self = await unlessAborted(AbortSignal.timeout(IDENTIFY_MS), slack.identity());
  return self?.botId === undefined ? "unknown" : self;
}

async function obeyClick(
  inHand: CommandInHand<SlackClick>,
): Promise<ObeyedCommand | undefined> {
  const { database, command } = inHand;
  const button = buttonOf(command);
  if (!button) return undefined;
  const obeyed = (taskId: string | null, what: string): ObeyedCommand => ({
    state: "processed",
    reason: `${command.user} in Slack: ${what}`,
    taskId,
  });
  if (button.does === "nothing") return obeyed(null, "a button without a task");
  if (button.does === "decide") {
    const approval = await readApproval(database, button.approvalId);
    if (!approval) return obeyed(null, "a button of an approval that is gone");
    if (!mayDecide(inHand)) return obeyed(approval.task_id, "not allowed to decide");
    return obeyed(approval.task_id, await decide(inHand, approval.task_id, button));
  }
  const { taskId } = button;
  if (!await readTask(database, taskId)) return obeyed(null, "a button of a task that is gone");
  if (!mayDecide(inHand)) return obeyed(taskId, "not allowed to answer");
  if (button.does === "retry") return obeyed(taskId, await retry(inHand, taskId));
  if (button.text.trim() === "") {
    whisper(inHand, "Write your answer into the field above the button, then press it.");
    return obeyed(taskId, "an empty answer");
  }
  return obeyed(taskId, await answer(inHand, taskId, button));
}

async function obeyReply(
  services: CommandServices,
  inHand: CommandInHand<ThreadReply>,
  messageId: string,
): Promise<ObeyedCommand | undefined> {
  const { database, command: reply } = inHand;
  const task = addressedTask(await findThreadTasks(database, reply));
  if (!task) return undefined;
  const obeyed = (what: string): ObeyedCommand => ({
    state: "processed",
    reason: `${reply.user || "a bot"} in the task's Slack thread: ${what}`,
    taskId: task.task_id,
  });
  if (reply.byBot || !reply.user) return obeyed("bots are not obeyed");
  const holder = await claimCommand(database, `${reply.channel}:${reply.ts}`, messageId);
  if (holder !== messageId) return obeyed(`heard already, as message ${holder}`);
  const approvals = await pendingApprovals(inHand, task);
  const wish = wishOf(reply, task, approvals.length > 0);
  const about = await tellAbout(services, inHand, { task, wish });
  return { ...obeyed(await fulfil(inHand, { task, approvals, wish })), ...about };
}

/**
 * What a reply is about: the same as the task that it stands below. What asks for nothing else is
 * for that task's agent, if it takes later messages, and whoever wrote it may decide what it does.
 */
async function tellAbout(
  { database, sources }: CommandServices,
  inHand: CommandInHand<ThreadReply>,
  { task: { task_id, ours }, wish }: { task: ThreadTask; wish: ReplyWish },
): Promise<Pick<ObeyedCommand, "subject" | "joining">> {
  const about = ours ? await readTaskSubject(database, task_id) : undefined;
  if (!about) return {};
  const { source, key, verified, webhookType, isOpen } = about;
  const { later } = sources.settingsOf(source);
  const joins = wish.wishes === "nothing" && isOpen && later === "continue" && isApprover(inHand);
  const role = joins ? "continues" : "notes";
  return {
    subject: { source, key, role, verified, aliases: [], joins: [] },
    ...(joins && { joining: { webhookType, isSpokenTo: true } }),
  };
}

/** What a waiting task waits for, where that is approvals. */
async function pendingApprovals(
  { database }: CommandInHand,
  { task_id, status }: ThreadTask,
): Promise<Approval[]> {
  if (status !== "waiting_input") return [];
  const approvals = await listApprovals(database, task_id);
  return approvals.filter(({ state }) => state === "pending");
}

/** @returns what came of it, for the message's reason. */
async function fulfil(
  inHand: CommandInHand,
  { task: { task_id: taskId }, approvals, wish }: {
    task: ThreadTask;
    approvals: readonly Approval[];
    wish: ReplyWish;
  },
): Promise<string> {
  switch (wish.wishes) {
    case "nothing":
      return "the task waits for nothing";
    case "retry":
      if (!mayDecide(inHand)) return "not allowed to retry";
      return await retry(inHand, taskId);
    case "answer":
      if (!mayDecide(inHand)) return "not allowed to answer";
      if (wish.text === "") return "an empty answer";
      if (wish.isEarly) return tooEarly(inHand);
      return await answer(inHand, taskId, wish);
    case "no_decision":
      // Other people may talk in the thread as they like.
      if (isApprover(inHand)) {
        whisper(
          inHand,
          'This task waits for an approval: press a button, or reply "approve" or "deny".',
        );
      }
      return "no word on the approval that the task waits for";
    case "decision":
      if (!mayDecide(inHand)) return "not allowed to decide";
      if (wish.isEarly) return tooEarly(inHand);
      if (approvals.length > 1) {
        whisper(
          inHand,
          `${approvals.length} approvals wait: press the button of the one you mean.`,
        );
        return "not clear which approval is meant";
      }
      if (wish.decision === "approve" && !fitsSlack(approvals[0].arguments)) {
        whisper(
          inHand,
          "That call is too long to be shown here: read it in Otto, and approve it there.",
        );
        return "the call is too long to be approved unread";
      }
      return await decide(inHand, taskId, {
        approvalId: approvals[0].id,
        decision: wish.decision,
      });
  }
}

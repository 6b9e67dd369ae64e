import {
  commandOf,
  hasBot,
  isEcho,
  isOtherApps,
  type SlackCommand,
  type SlackSelf,
  unsaidOf,
} from "../../sources/slack/command.ts";
import { ACTIONS, readAnswerValue } from "../notify/slack/blocks.ts";
import { unescape } from "../notify/slack/text.ts";
import type { ThreadTask } from "../notify/slack/thread.ts";
import { isId } from "../store/id.ts";

/**
 * Recognises what a message from Slack is: Otto's own doing, a command about a
 * task that is there already, or something new. Asks nobody and changes nothing;
 * what is done about it stands in slack_obey.ts.
 */
export type SlackMeaning =
  /** An ordinary message, which makes a task. */
  | { is: "new" }
  /** Nothing is to be done about it. */
  | { is: "ignored"; reason: string }
  /** A bot's, which may be Otto's own: Slack has not said yet who Otto is. */
  | { is: "unknown_bot" }
  | { is: "command"; command: SlackCommand };

export type SlackClick = SlackCommand & { kind: "click" };
export type ThreadReply = SlackCommand & { kind: "reply" };

/** Whether only Slack's word on who Otto is tells if Otto itself did this. */
export function needsIdentity(payload: unknown): boolean {
  return !isEcho(payload) && hasBot(payload) && !isOtherApps(payload);
}

/** @param self who Otto is in Slack, where {@link needsIdentity} asks for it. */
export function recognise(
  payload: unknown,
  self: SlackSelf | "unknown" | undefined,
): SlackMeaning {
  // As long as we do not know our own names it may be us: better later than a loop.
  if (self === "unknown") return { is: "unknown_bot" };
  if (isEcho(payload, self)) return { is: "ignored", reason: "Otto's own message in Slack" };
  const unsaid = unsaidOf(payload);
  if (unsaid !== undefined) {
    return { is: "ignored", reason: `Nothing new is said in Slack: ${unsaid}` };
  }
  const command = commandOf(payload);
  return command ? { is: "command", command } : { is: "new" };
}

/** What a click on a button of Otto's asks for. */
export type SlackButton =
  | { does: "decide"; decision: "approve" | "deny"; approvalId: string }
  | { does: "retry"; taskId: string }
  | { does: "answer"; taskId: string; questionId?: number; text: string }
  /** Its value names no task: nobody who pressed what Otto showed sends that. */
  | { does: "nothing" };

/** Undefined when the button is not one of Otto's. */
export function buttonOf({ action, value, typed }: SlackClick): SlackButton | undefined {
  if (!Object.values<string>(ACTIONS).includes(action)) return undefined;
  const { taskId, questionId } = readAnswerValue(value);
  if (!isId(taskId)) return { does: "nothing" };
  switch (action) {
    case ACTIONS.approve:
      return { does: "decide", decision: "approve", approvalId: value };
    case ACTIONS.deny:
      return { does: "decide", decision: "deny", approvalId: value };
    case ACTIONS.retry:
      return { does: "retry", taskId };
    default:
      return { does: "answer", taskId, questionId, text: typed };
  }
}

/** Which of a thread's tasks a reply is about; undefined when it speaks to other people. */
export function addressedTask(tasks: readonly ThreadTask[]): ThreadTask | undefined {
  // In other people's threads Otto is spoken to only when it has asked something.
  return tasks.find(({ status }) => status === "waiting_input") ?? tasks.find(({ ours }) => ours);
}

/** What a reply in a task's thread asks for. `isEarly`: it was said before the present question. */
export type ReplyWish =
  | { wishes: "answer"; text: string; questionId?: number; isEarly: boolean }
  | { wishes: "decision"; decision: "approve" | "deny"; isEarly: boolean }
  /** The task waits for an approval, and this does not say which way. */
  | { wishes: "no_decision" }
  | { wishes: "retry" }
  | { wishes: "nothing" };

/** @param isApproval whether what the task waits for is an approval. */
export function wishOf(
  { text, ts }: ThreadReply,
  { status, question_id, asked_at }: ThreadTask,
  isApproval: boolean,
): ReplyWish {
  const said = withoutMention(text);
  const word = /^(approve|deny|retry)[.!]?$/i.exec(said)?.[1].toLowerCase();
  // Said to an earlier question, or before there was one.
  const isEarly = asked_at !== null && Number(ts) * 1_000 < asked_at.getTime();
  if (status === "waiting_input") {
    if (!isApproval) {
      return { wishes: "answer", text: said, questionId: question_id ?? undefined, isEarly };
    }
    return word === "approve" || word === "deny"
      ? { wishes: "decision", decision: word, isEarly }
      : { wishes: "no_decision" };
  }
  const canRetry = status === "failed" || status === "cancelled";
  return { wishes: word === "retry" && canRetry ? "retry" : "nothing" };
}

function withoutMention(text: string): string {
  return unescape(text.replace(/^\s*<@[A-Z0-9]+(\|[^>]*)?>[\s,:]*/, "")).trim();
}

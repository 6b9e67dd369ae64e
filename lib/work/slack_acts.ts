import type { SlackCommand } from "../../sources/slack/command.ts";
import type { Slack } from "../notify/slack/slack.ts";
import { type Act, recordAct } from "../people/audit.ts";
import { findUserInSlack } from "../people/user.ts";
import type { Services } from "../services.ts";
import { decideApproval, readApproval } from "../task/approval.ts";
import { answerTask, retryTask } from "../task/task.ts";

/** A command, with what it takes to obey it and to answer whoever gave it. */
export interface CommandInHand<Command extends SlackCommand = SlackCommand>
  extends Pick<Services, "database" | "bells"> {
  slack: Slack;
  command: Command;
}

/** A question is answered in a few sentences; more is cut off, since all of it goes to the model. */
const MOST_ANSWER = 10_000;

/** Whether the operator has named whoever gave the command in SLACK_APPROVERS. */
export function isApprover({ slack, command }: CommandInHand): boolean {
  return slack.approvers.includes(command.user);
}

/** Only those whom the operator has named; everybody else is told, and nobody but them hears it. */
export function mayDecide(inHand: CommandInHand): boolean {
  if (isApprover(inHand)) return true;
  whisper(
    inHand,
    "Sorry, only people named in Otto's SLACK_APPROVERS can do that. Nothing was changed.",
  );
  return false;
}

/**
 * Approves or denies a tool call, in the name of whoever gave the command.
 *
 * @returns what came of it, for the message's reason: so do the others here.
 */
export async function decide(
  inHand: CommandInHand,
  taskId: string,
  { approvalId, decision }: { approvalId: string; decision: "approve" | "deny" },
): Promise<string> {
  const { database, bells } = inHand;
  const state = decision === "approve" ? "approved" : "denied";
  const actor = actorOf(inHand);
  const act = { act: decision, ids: [taskId], detail: { approval_id: approvalId } };
  const isDone = await record(inHand, act, async () => {
    if (await decideApproval(database, { id: approvalId, decision, actor })) return true;
    const approval = await readApproval(database, approvalId);
    // The same message, worked once more after a crash.
    return approval?.decided_by === actor && approval.state === state;
  });
  if (isDone) {
    bells.tasks.ring();
    return state;
  }
  const approval = await readApproval(database, approvalId);
  whisper(inHand, `That approval does not wait any more: it is ${approval?.state ?? "gone"}.`);
  return "the approval did not wait any more";
}

/** Answers the question that a task waits with. */
export async function answer(
  inHand: CommandInHand,
  taskId: string,
  { questionId, text }: { questionId?: number; text: string },
): Promise<string> {
  const { database, bells } = inHand;
  const given = { id: taskId, questionId, text: text.slice(0, MOST_ANSWER) };
  const act = { act: "answer", ids: [taskId], detail: { question_id: questionId } };
  if (
    await record(inHand, act, () => answerTask(database, { ...given, actor: actorOf(inHand) }))
  ) {
    bells.tasks.ring();
    return "answered";
  }
  whisper(inHand, "That question does not wait for an answer any more.");
  return "the question did not wait for an answer any more";
}

/** Says that a reply was meant for an earlier question; nothing is changed. */
export function tooEarly(inHand: CommandInHand): string {
  whisper(
    inHand,
    "Your reply is older than what the task asks now: what you replied to does not wait any " +
      "more. Nothing was changed; reply again if you mean the present question.",
  );
  return "older than the question that the task waits with";
}

/** Starts a failed or cancelled task again. */
export async function retry(inHand: CommandInHand, taskId: string): Promise<string> {
  const { database, bells } = inHand;
  const act = { act: "retry", ids: [taskId] };
  if (
    await record(inHand, act, () => retryTask(database, { id: taskId, actor: actorOf(inHand) }))
  ) {
    bells.tasks.ring();
    return "started again";
  }
  whisper(inHand, "That task is not failed or cancelled any more.");
  return "the task could not be started again";
}

/** Does something to a task, and has the audit log say who did it in Slack. */
async function record(
  { database, command: { user } }: CommandInHand,
  act: Omit<Act, "thing">,
  work: () => Promise<boolean>,
): Promise<boolean> {
  const person = await findUserInSlack(database, user);
  const actor = {
    who: person?.name ?? `Slack user ${user}`,
    userId: person?.id,
    proof: "slack",
    channel: "slack",
  } as const;
  const detail = { ...act.detail, slack_user: user };
  return await recordAct(database, { ...act, thing: "task", detail, actor }, async () => {
    const result = await work();
    return { result, outcome: result ? "done" : "refused" };
  });
}

const actorOf = ({ command }: CommandInHand) => `slack:${command.user}`;

/** Says something to whoever gave the command, and to nobody else. */
export function whisper({ slack, command }: CommandInHand, said: string): void {
  const { channel, user, threadTs } = command;
  slack.whisper({ channel, user, threadTs }, said);
}

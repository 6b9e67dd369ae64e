import {
  commandOf,
  hasBot,
  isEcho,
  isOtherApps,
  type SlackCommand,
  type SlackSelf,
  unsaidOf,
} from "../../sources/slack/command.ts";
import { decideApproval, listApprovals, readApproval } from "../task/approval.ts";
import { unlessAborted } from "../async/deadline.ts";
import { isId } from "../store/id.ts";
import { ACTIONS, readAnswerValue } from "../notify/slack/blocks.ts";
import type { Slack } from "../notify/slack/slack.ts";
import { claimCommand, findThreadTasks, type ThreadTask } from "../notify/slack/thread.ts";
import { unescape } from "../notify/slack/text.ts";
import type { Services } from "../services.ts";
import { answerTask, readTask, retryTask } from "../task/task.ts";

/** What a Slack message was, that makes no task of its own. */
export interface ObeyedCommand {
  state: "processed" | "filtered";
  reason: string;
  /** The task that it is about. */
  taskId: string | null;
}

type CommandServices = Pick<Services, "database" | "bells" | "slack">;
type Click = SlackCommand & { kind: "click" };
type ThreadReply = SlackCommand & { kind: "reply" };

/** Shorter than a lease, and the envelope nearly always says it already. */
const IDENTIFY_MS = 2_000;
/** How long another bot's message waits for Slack to say who we are. */
const STRANGER_MS = 10 * 60_000;
const MOST_ANSWER = 10_000;

/**
 * Tells Otto's own doings in Slack, and words on tasks that are there already,
 * from what makes a new task; obeys the words. May be called again for the same
 * message: each word counts once.
 *
 * @param claimedAt when a worker first had the message in its hands.
 * @returns undefined for an ordinary message, which becomes a task; "later" when
 * that cannot be told yet.
 */
export async function handleSlackMessage(
  services: CommandServices,
  { messageId, payload, claimedAt }: { messageId: string; payload: unknown; claimedAt: Date },
): Promise<ObeyedCommand | "later" | undefined> {
  const { slack } = services;
  const ours = isEcho(payload) || slack && hasBot(payload) && await isOurs(slack, payload);
  if (ours === "unknown") {
    if (Date.now() - claimedAt.getTime() < STRANGER_MS) return "later";
    const reason = "A bot's message in Slack: Slack did not say for ten minutes who Otto is " +
      "(auth.test), so it may be Otto's own";
    return { state: "filtered", reason, taskId: null };
  }
  if (ours) return { state: "filtered", reason: "Otto's own message in Slack", taskId: null };
  const unsaid = unsaidOf(payload);
  if (unsaid !== undefined) {
    return { state: "filtered", reason: `Nothing new is said in Slack: ${unsaid}`, taskId: null };
  }
  const command = slack && commandOf(payload);
  if (!command) return undefined;
  return command.kind === "click"
    ? await hearClick(services, slack, command)
    : await hearReply(services, slack, command, messageId);
}

/** A bot speaks. As long as we do not know our own names it may be us: better late than a loop. */
async function isOurs(slack: Slack, payload: unknown): Promise<boolean | "unknown"> {
  if (isOtherApps(payload)) return false;
  const signal = AbortSignal.timeout(IDENTIFY_MS);
  const self: SlackSelf | undefined = await unlessAborted(signal, slack.identity());
  return self?.botId === undefined ? "unknown" : isEcho(payload, self);
}

async function hearClick(
  services: CommandServices,
  slack: Slack,
  click: Click,
): Promise<ObeyedCommand | undefined> {
  const { database } = services;
  const { action, value, user } = click;
  if (!Object.values<string>(ACTIONS).includes(action)) return undefined;
  const done = (taskId: string | null, what: string): ObeyedCommand => ({
    state: "processed",
    reason: `${user} in Slack: ${what}`,
    taskId,
  });
  const { taskId, questionId } = readAnswerValue(value);
  if (!isId(taskId)) return done(null, "a button without a task");
  if (action === ACTIONS.approve || action === ACTIONS.deny) {
    const approval = await readApproval(database, value);
    if (!approval) return done(null, "a button of an approval that is gone");
    if (!mayDecide(slack, click)) return done(approval.task_id, "not allowed to decide");
    const decision = action === ACTIONS.approve ? "approve" : "deny";
    return done(approval.task_id, await decide(services, slack, click, value, decision));
  }
  if (!await readTask(database, taskId)) return done(null, "a button of a task that is gone");
  if (!mayDecide(slack, click)) return done(taskId, "not allowed to answer");
  if (action === ACTIONS.retry) {
    return done(taskId, await retry(services, slack, click, taskId));
  }
  if (click.typed.trim() === "") {
    whisper(slack, click, "Write your answer into the field above the button, then press it.");
    return done(taskId, "an empty answer");
  }
  return done(
    taskId,
    await answer(services, slack, click, { id: taskId, questionId, text: click.typed }),
  );
}

async function hearReply(
  services: CommandServices,
  slack: Slack,
  reply: ThreadReply,
  messageId: string,
): Promise<ObeyedCommand | undefined> {
  const { database } = services;
  const tasks = await findThreadTasks(database, reply);
  const task = tasks.find(({ status }) => status === "waiting_input") ??
    tasks.find(({ ours }) => ours);
  // In other people's threads Otto is spoken to only when it has asked something.
  if (!task) return undefined;
  const heard = (what: string): ObeyedCommand => ({
    state: "processed",
    reason: `${reply.user || "a bot"} in the task's Slack thread: ${what}`,
    taskId: task.task_id,
  });
  if (reply.byBot || !reply.user) return heard("bots are not obeyed");
  const holder = await claimCommand(database, `${reply.channel}:${reply.ts}`, messageId);
  if (holder !== messageId) return heard(`heard already, as message ${holder}`);
  return heard(await obey(services, slack, reply, task));
}

/** @returns what came of it. */
async function obey(
  services: CommandServices,
  slack: Slack,
  reply: ThreadReply,
  { task_id: taskId, status, question_id, asked_at }: ThreadTask,
): Promise<string> {
  // Said to an earlier question, or before there was one.
  const early = asked_at !== null && Number(reply.ts) * 1_000 < asked_at.getTime();
  const { database } = services;
  const said = unescape(reply.text.replace(/^\s*<@[A-Z0-9]+(\|[^>]*)?>[\s,:]*/, "")).trim();
  const word = /^(approve|deny|retry)[.!]?$/i.exec(said)?.[1].toLowerCase();
  if (status === "waiting_input") {
    const approvals = (await listApprovals(database, taskId))
      .filter(({ state }) => state === "pending");
    if (approvals.length === 0) {
      if (!mayDecide(slack, reply)) return "not allowed to answer";
      if (said === "") return "an empty answer";
      if (early) return tooEarly(slack, reply);
      const questionId = question_id ?? undefined;
      return await answer(services, slack, reply, { id: taskId, questionId, text: said });
    }
    if (word !== "approve" && word !== "deny") {
      if (slack.approvers.includes(reply.user)) {
        whisper(
          slack,
          reply,
          'This task waits for an approval: press a button, or reply "approve" ' +
            'or "deny".',
        );
      }
      return "no word on the approval that the task waits for";
    }
    if (!mayDecide(slack, reply)) return "not allowed to decide";
    if (early) return tooEarly(slack, reply);
    if (approvals.length > 1) {
      whisper(
        slack,
        reply,
        `${approvals.length} approvals wait: press the button of the one you mean.`,
      );
      return "not clear which approval is meant";
    }
    return await decide(services, slack, reply, approvals[0].id, word);
  }
  if (word !== "retry" || (status !== "failed" && status !== "cancelled")) {
    return "the task waits for nothing";
  }
  if (!mayDecide(slack, reply)) return "not allowed to retry";
  return await retry(services, slack, reply, taskId);
}

/** Only those whom the operator has named; everybody else is told, and nobody but them hears it. */
function mayDecide(slack: Slack, command: SlackCommand): boolean {
  if (slack.approvers.includes(command.user)) return true;
  whisper(
    slack,
    command,
    "Sorry, only people named in Otto's SLACK_APPROVERS can do that. Nothing was changed.",
  );
  return false;
}

async function decide(
  { database, bells }: CommandServices,
  slack: Slack,
  command: SlackCommand,
  id: string,
  decision: "approve" | "deny",
): Promise<string> {
  const word = decision === "approve" ? "approved" : "denied";
  const actor = actorOf(command);
  if (await decideApproval(database, { id, decision, actor })) {
    bells.tasks.ring();
    return word;
  }
  const approval = await readApproval(database, id);
  // The same message, worked once more after a crash.
  if (approval?.decided_by === actor && approval.state === word) return word;
  whisper(
    slack,
    command,
    `That approval does not wait any more: it is ${approval?.state ?? "gone"}.`,
  );
  return "the approval did not wait any more";
}

async function answer(
  { database, bells }: CommandServices,
  slack: Slack,
  command: SlackCommand,
  { id, questionId, text }: { id: string; questionId?: number; text: string },
): Promise<string> {
  const actor = actorOf(command);
  const given = { id, questionId, text: text.slice(0, MOST_ANSWER), actor };
  if (await answerTask(database, given)) {
    bells.tasks.ring();
    return "answered";
  }
  whisper(slack, command, "That question does not wait for an answer any more.");
  return "the question did not wait for an answer any more";
}

function tooEarly(slack: Slack, command: SlackCommand): string {
  whisper(
    slack,
    command,
    "Your reply is older than what the task asks now: what you replied to does not wait any " +
      "more. Nothing was changed; reply again if you mean the present question.",
  );
  return "older than the question that the task waits with";
}

async function retry(
  { database, bells }: CommandServices,
  slack: Slack,
  command: SlackCommand,
  id: string,
): Promise<string> {
  if (await retryTask(database, { id, actor: actorOf(command) })) {
    bells.tasks.ring();
    return "started again";
  }
  whisper(slack, command, "That task is not failed or cancelled any more.");
  return "the task could not be started again";
}

const actorOf = ({ user }: SlackCommand) => `slack:${user}`;

function whisper(slack: Slack, command: SlackCommand, said: string): void {
  const { channel, user, threadTs } = command;
  slack.whisper({ channel, user, threadTs }, said);
}

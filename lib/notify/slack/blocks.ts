import type { Approval } from "../../task/approval.ts";
import { plainMarkdown } from "../../markdown/plain.ts";
import type { Redact } from "../../redaction/redact.ts";
import { layOutJson, showUnseen } from "../../../sources/kit/json_layout.ts";
import type { Task } from "../../task/task.ts";
import { newerSinceAsked } from "../../task/inbox.ts";
import { escape, escapedWithin, plain } from "./text.ts";

/** What Slack shows of a task. */
export interface SlackContent {
  blocks: unknown[];
  /** Beside the blocks, for notifications and screen readers. */
  text: string;
  /** Instead of blocks that Slack refuses. */
  plain: string;
}

/** What the content is made of. */
export interface TaskBlocks {
  task: Pick<
    Task,
    | "id"
    | "source"
    | "title"
    | "status"
    | "question"
    | "question_id"
    | "started_at"
    | "result"
    | "error"
    | "unread"
  >;
  /** Those that nobody has decided on. */
  approvals: readonly Approval[];
  /** How many messages have come for the task after it was made. */
  later: number;
  /** Grows with every change: an input needs a new id in each iteration of a message. */
  version: number;
}

/** What the buttons do; the name in front keeps them apart from anybody else's. */
export const ACTIONS = {
  approve: "otto_approve",
  deny: "otto_deny",
  answer: "otto_answer",
  retry: "otto_retry",
} as const;
/** The field that an answer is written into. */
const ANSWER_FIELD = "otto_answer_text";

/**
 * Slack's limits are 3,000 characters for a section and 50 blocks; a message of about
 * 13,200 characters is refused all the same (slackapi/bolt-js#2509). These stay
 * below 9,000 in all.
 */
const TITLE_LENGTH = 250;
const BODY_LENGTH = 2_900;
const APPROVALS_SHOWN = 3;
const ARGUMENTS_LENGTH = 1_500;
/** chat.update refuses a text of more than 4,000. */
const TEXT_BYTES = 3_900;
/** For a phone's notification, which shows less. */
const SUMMARY_BYTES = 1_000;

/**
 * The one message about a task. All that a sender or a model wrote is `plain_text`:
 * Slack takes no markup in there and rings nobody.
 *
 * @param answerable whether anybody may answer in Slack; without, there are no buttons.
 */
export function showTask(
  { task, approvals, later, version }: TaskBlocks,
  { publicUrl, answerable, redact }: { publicUrl?: string; answerable: boolean; redact: Redact },
): SlackContent {
  const head = `${statusWords(task)}: ${plain(redact(task.title), TITLE_LENGTH)}`;
  const body = bodyOf(task, { asksForCall: approvals.length > 0, redact });
  const link = publicUrl && `${publicUrl}/tasks/${task.id}`;
  const blocks: unknown[] = [section(`${SIGNS[task.status]} ${head}`)];
  if (body) blocks.push(section(plain(body, BODY_LENGTH)));
  const news = newsOf(task);
  if (news) blocks.push(section(news));
  if (task.status === "waiting_input") {
    blocks.push(...askedOf(task, approvals, { version, answerable, redact }));
  }
  if (answerable && (task.status === "failed" || task.status === "cancelled")) {
    blocks.push(buttons(`retry_${version}`, button("Retry", ACTIONS.retry, task.id)));
  }
  blocks.push({
    type: "context",
    elements: [
      text([task.source, `task ${task.id}`, laterWords(later)].filter(Boolean).join(" · ")),
      ...(link ? [{ type: "mrkdwn", text: `<${escape(link)}|Open in Otto>` }] : []),
    ],
  });
  const whole = [head, body, news, laterWords(later), link].filter(Boolean).join("\n");
  return {
    text: escapedWithin(SUMMARY_BYTES, task.status === "failed" ? `${head} (${body})` : head),
    blocks,
    plain: escapedWithin(TEXT_BYTES, whole),
  };
}

/** How many messages its agent has not read while people are asked: what they decide on may be old. */
function newsOf({ status, unread }: TaskBlocks["task"]): string | undefined {
  return status === "waiting_input" && unread > 0 ? newerSinceAsked(unread) : undefined;
}

const laterWords = (later: number) =>
  later > 0 ? `+${later} ${later === 1 ? "message" : "messages"}` : "";

const SIGNS: Record<Task["status"], string> = {
  pending: "📥",
  running: "⏳",
  waiting_input: "❓",
  waiting_event: "⏳",
  completed: "✅",
  failed: "❌",
  cancelled: "🚫",
};

function statusWords({ status, started_at }: TaskBlocks["task"]): string {
  switch (status) {
    case "pending":
      return started_at ? "Going on soon" : "Received";
    case "running":
      return "Running";
    case "waiting_input":
      return "Waiting for you";
    case "waiting_event":
      return "Waiting for the next message about it";
    case "completed":
      return "Completed";
    case "failed":
      return "Failed";
    case "cancelled":
      return "Cancelled";
  }
}

function bodyOf(
  { status, question, result, error }: TaskBlocks["task"],
  { asksForCall, redact }: { asksForCall: boolean; redact: Redact },
): string {
  switch (status) {
    case "waiting_input":
      // A call is shown to the letter.
      return asksForCall ? redact(question ?? "") : written(question ?? "", redact);
    case "completed":
      return written(result?.text ?? "", redact);
    case "failed":
      return redact(error?.message ?? "");
    default:
      return "";
  }
}

/** What an agent wrote. A secret may show only when the marks in it are gone, or only with them. */
const written = (text: string, redact: Redact): string => redact(plainMarkdown(redact(text)));

/** What a person is to do: decide on approvals, or else answer. */
function askedOf(
  task: TaskBlocks["task"],
  approvals: readonly Approval[],
  { version, answerable, redact }: { version: number; answerable: boolean; redact: Redact },
): unknown[] {
  if (!answerable) return [section("To answer, open the task in Otto.")];
  if (approvals.length > 0) {
    const more = approvals.length - APPROVALS_SHOWN;
    return [
      ...approvals.slice(0, APPROVALS_SHOWN).flatMap((approval) => approvalOf(approval, redact)),
      ...(more > 0 ? [section(`${more} more wait in Otto.`)] : []),
    ];
  }
  return [
    {
      type: "input",
      block_id: `answer_${version}`,
      optional: true,
      label: text("Your answer"),
      element: { type: "plain_text_input", action_id: ANSWER_FIELD, max_length: 3_000 },
    },
    buttons(`send_${version}`, button("Answer", ACTIONS.answer, answerValue(task))),
  ];
}

/** What the button of an answer holds: a view of an earlier question must not answer the next one. */
const answerValue = ({ id, question_id }: TaskBlocks["task"]) =>
  question_id === null ? id : `${id}:${question_id}`;

/** The task and the question that a button's value names. */
export function readAnswerValue(value: string): { taskId: string; questionId?: number } {
  const [, taskId, question] = /^(.+):(\d{1,9})$/.exec(value) ?? [null, value];
  return { taskId, questionId: question === undefined ? undefined : Number(question) };
}

/** Whether a call can be shown whole: it is approved as it is seen, or not in Slack. */
export function fitsSlack(args: unknown): boolean {
  return isWhole(showUnseen(layOutJson(args, 1)));
}

const isWhole = (call: string) => plain(call, ARGUMENTS_LENGTH) === call.trim();

/** One that is too long to be shown is not approved here. */
function approvalOf(
  { id, tool, arguments: args, rule }: Approval,
  redact: Redact,
): unknown[] {
  const call = showUnseen(redact(layOutJson(args, 1)));
  const tooLong = !isWhole(call);
  const shown = section(
    `${plain(tool, 100)} (${plain(rule, 300)})\n${plain(call, ARGUMENTS_LENGTH)}` +
      (tooLong ? "\nNot all of it can be shown here: to approve it, open the task in Otto." : ""),
  );
  const deny = button("Deny", ACTIONS.deny, id, "danger");
  return tooLong
    ? [shown, buttons(`approval_${id}`, deny)]
    : [shown, buttons(`approval_${id}`, button("Approve", ACTIONS.approve, id, "primary"), deny)];
}

const text = (text: string) => ({ type: "plain_text", text, emoji: false });
const section = (content: string) => ({ type: "section", text: text(content) });
const buttons = (block_id: string, ...elements: unknown[]) => ({
  type: "actions",
  block_id,
  elements,
});
const button = (
  label: string,
  action_id: string,
  value: string,
  style?: "primary" | "danger",
) => ({ type: "button", text: text(label), action_id, value, ...(style && { style }) });

/** What needs somebody: all of it may be a sender's words, and is shown to the letter. */
export function showNeed(
  need: string,
  { publicUrl, redact }: { publicUrl?: string; redact: Redact },
): SlackContent {
  const said = redact(need);
  const link = publicUrl && `${publicUrl}/#needs`;
  return {
    blocks: [
      section(`🔔 ${plain(said, BODY_LENGTH)}`),
      ...link
        ? [{
          type: "context",
          elements: [{ type: "mrkdwn", text: `<${escape(link)}|Open in Otto>` }],
        }]
        : [],
    ],
    text: escapedWithin(SUMMARY_BYTES, said),
    plain: escapedWithin(TEXT_BYTES, [said, link].filter(Boolean).join("\n")),
  };
}

/** Something that an agent wants to say before its task has ended. */
export function showNote(note: string, redact: Redact): SlackContent {
  const said = written(note, redact);
  return {
    blocks: [section(`📝 ${plain(said, BODY_LENGTH)}`)],
    text: escapedWithin(SUMMARY_BYTES, said),
    plain: escapedWithin(TEXT_BYTES, said),
  };
}

import { html } from "hono/html";
import type { MessageState, Verification } from "../../../lib/message/message.ts";
import type { TaskStatus } from "../../../lib/task/task.ts";
import { icon, type IconName } from "./icon.ts";
import { type StageRow, type StageView, wordOf } from "./stages.ts";

/** How things are with something: a word, an icon and a colour, so that none of them is needed alone. */
export function status(word: string, tone: StageView["state"], name: IconName = tone) {
  return html`<span class="status ${tone}">${icon(name)}${word}</span>`;
}

/** Where a row is, in a word. */
export function rowStatus(row: StageRow) {
  const { word, tone, asks } = wordOf(row);
  return status(word, tone, asks ? "ask" : tone);
}

/** The word for a task's status, and its tone. */
export const TASK_WORDS: Record<TaskStatus, [word: string, tone: StageView["state"]]> = {
  pending: ["waiting", "waiting"],
  running: ["working", "active"],
  waiting_input: ["needs an answer", "active"],
  completed: ["done", "done"],
  failed: ["failed", "failed"],
  cancelled: ["cancelled", "none"],
};

export function taskStatus(each: TaskStatus) {
  const [word, tone] = TASK_WORDS[each];
  return status(word, tone, each === "waiting_input" ? "ask" : tone);
}

/** The word for a message's state where no task says more. */
export const MESSAGE_WORDS: Record<MessageState, string> = {
  new: "queued",
  processed: "processed",
  filtered: "filtered",
  failed: "failed",
  rejected: "refused",
};

const SIGNATURES: Record<Verification, [string, StageView["state"], IconName]> = {
  verified: ["verified", "done", "shield"],
  unverified: ["unverified", "none", "open"],
  rejected: ["refused", "failed", "failed"],
};

export function signature(verification: Verification) {
  return status(...SIGNATURES[verification]);
}

export const SIGNATURE_SAYS: Record<Verification, string> = {
  verified: "The signature matches the bytes that were received.",
  unverified:
    "Anyone who knows the URL could have sent this: no secret is configured for this sender.",
  rejected: "Refused at the gate, and kept for diagnosis only.",
};

export const EDITED_SAYS = "Nobody has signed these bytes: a person edited them.";

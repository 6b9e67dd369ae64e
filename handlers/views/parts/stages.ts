import { html } from "hono/html";
import { firstLine } from "../../../lib/markdown/plain.ts";
import type { Message } from "../../../lib/message/message.ts";
import type { Notification } from "../../../lib/notify/notification.ts";
import { type Task, workMsOf } from "../../../lib/task/task.ts";
import { took } from "./time.ts";

/** A message with what came of it. */
export interface StageRow {
  message: Message;
  /** What people call the system that sent it. */
  sourceName: string;
  /** The title that a refused message would have: nobody vouches for it. */
  claim?: string;
  task?: Task;
  /** Everything that was told, or is to be told, about it. */
  tellings: readonly Notification[];
}

/** How far a row has come on one of the five stages; `words` says it without colour. */
export interface StageView {
  name: string;
  state: "done" | "active" | "waiting" | "failed" | "none";
  words: string;
}

type StageState = Omit<StageView, "name">;

/** What a task waits for that goes on by itself, in a line; undefined where it does not wait so. */
export function waitOf(task: Task | undefined): string | undefined {
  if (task?.put_off) return firstLine(task.put_off.reason) || "Put off";
  if (!task?.waiting_for) return undefined;
  return `Waits for ${task.waiting_for.events.join(", ") || "the next message about it"}`;
}

/** The five stages of a row, in their order. */
export function stagesOf({ message, task, tellings }: StageRow): StageView[] {
  return [
    { name: "Receive", ...receive(message) },
    { name: "Queue", ...queue(message) },
    { name: "Task", ...made(message, task) },
    { name: "Agent", ...agent(message, task) },
    { name: "Notified", ...notified(message, task, tellings) },
  ];
}

function receive({ state }: Message): StageState {
  return state === "rejected"
    ? { state: "failed", words: "refused" }
    : { state: "done", words: "kept safely" };
}

function queue({ state, attempts, reason }: Message): StageState {
  if (state === "rejected") return none;
  if (state === "new" && reason) return { state: "waiting", words: "held for others" };
  return state === "new" && attempts === 0
    ? { state: "active", words: "waiting for a worker" }
    : { state: "done", words: "taken by a worker" };
}

/** Whether a message came for a task that was there already: that one's times are not its own. */
export function isJoined({ message_id, received_at }: Message, task: Task): boolean {
  return task.message_id !== message_id && task.created_at < received_at;
}

function made(message: Message, task: Task | undefined): StageState {
  if (message.state === "failed") return { state: "failed", words: "could not be read" };
  if (message.state === "new") {
    return message.attempts > 0 ? { state: "active", words: "being read" } : waiting;
  }
  if (!task) return none;
  if (isJoined(message, task)) return { state: "done", words: "joined one that was there" };
  // A replay keeps the time of receipt, as a release does: the span would be a person's.
  const ms = task.created_at.getTime() - message.received_at.getTime();
  return {
    state: "done",
    words: message.replay_of || message.released_at ? "made" : `made ${took(ms)} after receipt`,
  };
}

function agent({ state }: Message, task: Task | undefined): StageState {
  switch (task?.status) {
    case "pending":
      return task.put_off
        ? { state: "waiting", words: "put off" }
        : { state: "active", words: "waiting for the agent" };
    case "running":
      return { state: "active", words: "at work" };
    case "waiting_input":
      return { state: "active", words: "waiting for an answer" };
    case "waiting_event":
      return { state: "waiting", words: "waiting for the next message about it" };
    case "failed":
      return { state: "failed", words: "failed" };
    case "cancelled":
      return { state: "none", words: "cancelled" };
    case "completed": {
      const worked = workMsOf(task);
      return { state: "done", words: worked === undefined ? "done" : `done in ${took(worked)}` };
    }
    default:
      return state === "new" ? waiting : none;
  }
}

function notified(
  { state }: Message,
  task: Task | undefined,
  tellings: readonly Notification[],
): StageState {
  const ended = state === "failed" || task?.status === "completed" || task?.status === "failed";
  if (!ended) return state === "new" || (task && task.status !== "cancelled") ? waiting : none;
  const dead = tellings.find((each) => each.state === "dead");
  if (dead) return { state: "failed", words: `could not tell ${dead.channel}` };
  if (tellings.some((each) => each.state === "pending")) {
    return { state: "active", words: "telling" };
  }
  const channels = [...new Set(tellings.map((each) => each.channel))];
  return { state: "done", words: channels.length > 0 ? `told: ${channels.join(", ")}` : "told" };
}

const waiting: StageState = { state: "waiting", words: "not yet" };
const none: StageState = { state: "none", words: "not needed" };

/** Five dots in a line, with words for whoever does not see them. */
export function stageDots(row: StageRow) {
  return html`<ol class="stages" aria-label="Stages">${
    stagesOf(row).map(({ name, state, words }) =>
      html`
        <li class="dot ${state}"
          title="${name}: ${words}"><span class="words">${name}: ${words}</span></li>
      `
    )
  }</ol>`;
}

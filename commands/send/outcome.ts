import { pause } from "../../lib/async/deadline.ts";
import { firstLine } from "../../lib/markdown/plain.ts";
import { Refusal } from "../../lib/process/refusal.ts";
import type { Remote } from "../remote.ts";

/** What has become of a message that was sent, as far as it was waited for. */
export interface SentOutcome {
  /** The word that pages show; undefined where Otto does not say. */
  phase?: string;
  title?: string;
  task_id?: string;
  /** The task's page. */
  link?: string;
  /** Whether it has ended, or waits for something. */
  settled: boolean;
  /** What came of it, why it waits, or why that is not known; one line. */
  said?: string;
}

/** As much of a message and of its task as is told; all of it may be missing in another version's. */
interface ShownMessage {
  phase?: string;
  title?: string | null;
  task_id?: string | null;
  reason?: string | null;
  error?: string | null;
}
interface ShownTask {
  result?: { text?: string } | null;
  error?: { message?: string } | null;
  question?: string | null;
  waiting_for?: { events?: string[]; until?: string } | null;
  put_off?: { reason?: string } | null;
}

/** Somebody sits at the terminal: a digest takes no second, and a model's work is followed elsewhere. */
export const WAIT_MS = 5_000;
/** Whoever waits sees the end within so long. */
const LOOK_MS = 200;
/** What goes over into another word by itself, and soon. */
const UNDER_WAY = ["queued", "working"];

/**
 * Waits a little for what becomes of a message, and says it. Whether it was taken does not depend on
 * it: where Otto does not tell, that is what is said.
 *
 * @throws when `signal` is aborted.
 */
export async function seeOutcome(
  remote: Remote,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<SentOutcome> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(2 * WAIT_MS)]);
  const read = <T>(path: string) => remote.read<T>(path, { signal: deadline });
  const until = performance.now() + WAIT_MS;
  try {
    let message = await read<ShownMessage>(`/api/messages/${id}`);
    while (UNDER_WAY.includes(message.phase ?? "") && performance.now() < until) {
      await pause(LOOK_MS, signal);
      signal.throwIfAborted();
      message = await read(`/api/messages/${id}`);
    }
    const taskId = message.task_id ?? undefined;
    const task = taskId === undefined ? {} : await read<ShownTask>(`/api/tasks/${taskId}`);
    return {
      settled: !UNDER_WAY.includes(message.phase ?? ""),
      phase: message.phase,
      title: message.title ?? undefined,
      task_id: taskId,
      link: taskId && `${remote.origin}/tasks/${taskId}`,
      said: firstLine(wordsOf(message, task) ?? "") || undefined,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Refusal)) throw error;
    return { settled: false, said: `What became of it is not known here: ${error.message}` };
  }
}

function wordsOf(message: ShownMessage, task: ShownTask): string | null | undefined {
  const seconds = WAIT_MS / 1_000;
  switch (message.phase) {
    case "queued":
      return `Nobody has begun within ${seconds} s. Does a worker run? otto doctor says it`;
    case "working":
      return `Still at work after ${seconds} s: its page shows the end`;
    case "done":
      return task.result?.text ?? message.reason;
    case "needs_you":
      return task.question;
    case "waiting":
      return task.put_off?.reason ?? waitIn(task);
    default:
      return message.error ?? task.error?.message ?? message.reason;
  }
}

function waitIn({ waiting_for: wait }: ShownTask): string | undefined {
  if (!wait?.until) return undefined;
  const what = wait.events?.join(", ") || "the next message about it";
  return `For ${what}, until ${wait.until.slice(0, 16).replace("T", " ")} UTC`;
}

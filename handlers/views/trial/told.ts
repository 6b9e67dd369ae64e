import { canonicalJson } from "../../../lib/agent/canonical.ts";
import type { TaskPhase } from "../../../lib/message/search/phase.ts";
import type { Task, TaskEvent } from "../../../lib/task/task.ts";
import type { Trial, WholeTrial } from "../../../lib/task/trial/trial.ts";
import { dataOf, textIn } from "../task/event_words.ts";

/** A tool that a model called, and what came of the call. */
export interface ToldCall {
  tool: string;
  arguments: unknown;
  /** `would`: the trial has kept it from having its effect. */
  verdict: "called" | "would" | "refused" | "asked";
  /** Why it was refused. */
  reason?: string;
  error?: string;
  /** Tells it from others with another tool or other arguments. */
  key: string;
}

/** What came of a message, really or in a trial, as it is compared. */
export interface ToldRun {
  /** Where it stands. */
  path: string;
  /** "What really came of it", "Trial of 14:05". */
  title: string;
  phase: TaskPhase;
  /** Whether nothing more comes of it. */
  isOver: boolean;
  /** Null where nobody knows. */
  model: string | null;
  /** What it was worked with; null where nobody knows, or it has not begun. */
  instruction: string | null;
  /** Whether that is its source's own. */
  isOwn: boolean;
  /** Markdown. */
  result: string | null;
  error: string | null;
  calls: readonly ToldCall[];
  steps: number;
  tokens: number;
  /** Null where no price was set, or its currency has changed. */
  money: { amount: number; currency: string } | null;
  /** Of the model's time, in milliseconds. */
  ms: number;
}

type Entry = Pick<TaskEvent, "kind" | "data">;

/** Where a trial stands, in the word that tasks have for it. */
export function trialPhase({ status, waits_for }: Trial): TaskPhase {
  if (status === "pending") return waits_for === null ? "queued" : "waiting";
  if (status === "running") return "working";
  return status === "completed" ? "done" : status;
}

/**
 * What really came of a message: the newest run of its task.
 *
 * @param instruction what that was worked with; null where nobody knows.
 */
export function toldTask(
  task: Task,
  events: readonly TaskEvent[],
  instruction: string | null,
): ToldRun {
  const again = events.findLastIndex(({ kind }) => kind === "retried");
  const newest = events.slice(again + 1);
  const data = task.result?.data as { model?: unknown } | null | undefined;
  const step = newest.find(({ kind }) => kind === "step");
  return {
    path: `/tasks/${task.id}`,
    title: "What really came of it",
    phase: task.phase,
    isOver: task.finished_at !== null,
    model: typeof data?.model === "string" ? data.model : step?.actor ?? null,
    instruction,
    isOwn: true,
    result: task.result?.text ?? null,
    error: task.error?.message ?? null,
    ...measured(newest),
  };
}

/** What came of a trial, as far as it has come. */
export function toldTrial(trial: WholeTrial): ToldRun {
  return {
    path: `/trials/${trial.id}`,
    title: `Trial of ${trial.created_at.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    phase: trialPhase(trial),
    isOver: trial.finished_at !== null,
    model: trial.model,
    instruction: trial.instruction ?? trial.had_instruction,
    isOwn: trial.instruction === null,
    result: trial.result?.text ?? null,
    error: trial.error?.message ?? null,
    ...measured(trial.events),
  };
}

function measured(
  events: readonly Entry[],
): Pick<ToldRun, "calls" | "steps" | "tokens" | "money" | "ms"> {
  const steps = events.filter(({ kind }) => kind === "step").map(dataOf);
  // What calls that gave no step may have billed was counted, too.
  const others = events.filter(({ kind }) => kind === "call_lost" || kind === "knocked");
  const billed = [...steps, ...others.map(dataOf)];
  const sum = (name: string) => billed.reduce((all, each) => all + (Number(each[name]) || 0), 0);
  const currencies = new Set(billed.flatMap(({ currency }) => currency ?? []));
  const [currency] = currencies;
  return {
    calls: callsIn(events),
    steps: steps.length,
    tokens: sum("input_tokens") + sum("output_tokens") + sum("tokens"),
    money: currencies.size === 1 && typeof currency === "string"
      ? { amount: sum("micros") / 1_000_000, currency }
      : null,
    ms: sum("ms"),
  };
}

/** The calls of a run in their order, what was asked first and called then once; `finish` is its end, and no call to compare. */
function callsIn(events: readonly Entry[]): ToldCall[] {
  const calls: ToldCall[] = [];
  for (const event of events) {
    const data = dataOf(event);
    const tool = textIn(data, "tool");
    if (tool === undefined || tool === "finish") continue;
    if (event.kind === "tool_result") {
      const made = calls.findLast((call) => call.tool === tool && call.verdict === "called");
      if (made) made.error ??= textIn(data, "error");
      continue;
    }
    const verdict = verdictOf(event, data);
    if (!verdict) continue;
    const args = data.arguments ?? null;
    const key = canonicalJson({ tool, arguments: args });
    // A person has agreed: it is the same call.
    const asked = calls.find((call) => call.key === key && call.verdict === "asked");
    if (asked) asked.verdict = verdict;
    else calls.push({ tool, arguments: args, verdict, reason: textIn(data, "reason"), key });
  }
  return calls;
}

function verdictOf({ kind }: Entry, { rule }: Record<string, unknown>): ToldCall["verdict"] | null {
  if (kind === "tool_call") return "called";
  if (kind === "approval_requested") return "asked";
  if (kind !== "tool_denied") return null;
  return rule === "observe" ? "would" : "refused";
}

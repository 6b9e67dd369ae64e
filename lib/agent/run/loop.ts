import { randomInt } from "node:crypto";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import { errorText } from "../../process/log.ts";
import { MOST_RETRY_AFTER_SECONDS } from "../../process/retry_after.ts";
import { redactAll, redactTexts } from "../../redaction/redact.ts";
import { readClock } from "../../store/clock.ts";
import type { Outcome } from "../agent.ts";
import { newBoundary } from "../fence.ts";
import type { ModelStep, Turn } from "../model.ts";
import { ModelError } from "../model_error.ts";
import type { ToolOff } from "../tool_spec.ts";
import { opening } from "../prompt.ts";
import { type BilledStep, takeBilledStep } from "./billed_step.ts";
import { type ClampedOutput, clampOutput, toolsOf } from "./clamp_output.ts";
import { deliver, holdsBack, tellUnsent } from "./inbox.ts";
import { startAfresh } from "./fresh.ts";
import { lostInRound, stepsLeft } from "./rounds.ts";
import { TaskLostError } from "./lease.ts";
import { completeCall } from "./complete_call.ts";
import { noEnd, throwFault, whyWordless } from "./no_end.ts";
import { type LoggedEvent, MOST_CONTENT, type RunState } from "./run.ts";
import { completed, type RunContext, type RunSaver } from "./run_context.ts";

/** A model whose provider is away this long fails the task: by then people should know. */
const PATIENCE_MS = 24 * 60 * 60_000;
/** Waits double up to this, so that a provider that is back is noticed while people still care. */
const MOST_WAIT_SECONDS = 15 * 60;
/** What may never mend is tried so often, which takes about an hour: so does most maintenance. */
const MOST_DOUBTS = 13;

/** A run that is being worked on. */
interface OpenRun {
  run: RunContext;
  state: RunState;
  save: RunSaver;
  /** What the keys of its calls begin with. */
  prefix: string;
  /** Tools that cannot be used, and that the timeline names. */
  reported: Set<string>;
}

/**
 * Works on a task, step by step, until it ends, waits for a person or waits for
 * the model's provider. What is known is saved after each step, so that another
 * worker can go on where this one was lost.
 *
 * @throws when the task has failed, with the reason.
 */
export async function runLoop(run: RunContext, signal: AbortSignal): Promise<Outcome> {
  const loaded = await run.record.load();
  const state = loaded.state ?? begin(run);
  const save = saverOf(run, state);
  state.lost = loaded.lost;
  state.isAged = run.assignment.inbox !== undefined && loaded.days >= run.rules.budgets.days;
  const reported = new Set<string>();
  const open = { run, state, save, prefix: `${loaded.run}`, reported };
  while (true) {
    signal.throwIfAborted();
    const [call] = state.pending;
    if (call && await holdsBack(open, call)) continue;
    if (call) {
      const answer = call.asked || call.until !== undefined ? loaded.answer : null;
      const outcome = await completeCall({ run, state, answer, save }, signal);
      if (outcome) return outcome;
      continue;
    }
    if (state.isLong) await startAfresh(run, state);
    if (state.results.length > 0) tellResults(state);
    await deliver(open);
    if (state.said !== undefined) return ended(run, state);
    throwFault(state);
    await tellUnsent(run, state, open.prefix);
    if (stepsLeft(run.rules, state) <= 0) throw new Error(noEnd(run.rules.budgets.steps));
    await run.place?.take();
    const outcome = await takeStep(open, signal);
    if (outcome) return outcome;
  }
}

function saverOf({ record, redact }: RunContext, state: RunState): RunSaver {
  return async (events, more) => {
    const clean = events.map(({ kind, data, content }) => ({
      kind,
      data: redactAll(data, redact) as Record<string, unknown>,
      // Redacted before it is cut: half a secret would not be known for one.
      content: content && beginningOf(redact(content), MOST_CONTENT),
    }));
    try {
      await record.save({ state, events: clean, ...more });
    } catch (error) {
      // What was billed was billed, whosever the task is by now.
      if (error instanceof TaskLostError && more?.settlement) await record.settle(more.settlement);
      throw error;
    }
  };
}

/**
 * Asks the model for one step, makes its answer part of the run and saves it.
 *
 * @returns an outcome when the provider gave no answer.
 */
async function takeStep(
  open: OpenRun,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { run, state, save, prefix } = open;
  let billed: BilledStep;
  try {
    billed = await takeBilledStep(run, state, { lost: lostInRound(state) }, signal);
  } catch (error) {
    signal.throwIfAborted();
    return await putOff(error, open);
  }
  const { last, exhausted, ms, settlement } = billed;
  const callsLeft = run.rules.budgets.toolCalls - state.used.toolCalls;
  const answer = redactTexts(clampOutput(billed.step, { callsLeft }), run.redact);
  addStep(state, answer, { prefix, last, ms });
  state.known = billed.known;
  if (last) state.exhausted ??= exhausted;
  else if (state.exhausted === "output_tokens" && exhausted) state.exhausted = exhausted;
  await save([
    ...reportOff(open, answer.step.off),
    stepEvent(state, answer.step, billed),
    ...answer.events,
    ...answer.step.calls.filter((each) => each.invalid).map(refusedCall),
  ], { settlement });
}

/** Entries for the tools that cannot be used, each once: the operator's, and those that a provider refuses. */
function reportOff({ run, reported }: OpenRun, refused: readonly ToolOff[]): LoggedEvent[] {
  const off = [...run.off, ...refused].filter(({ tool }) => !reported.has(tool));
  for (const { tool } of off) reported.add(tool);
  return off.map((each) => ({ kind: "tool_off", data: { ...each } }));
}

/** The timeline's entry for a step. */
function stepEvent(
  { step, exhausted }: RunState,
  { finish, calls, text, tokens, fault }: ModelStep,
  { last, ms, bill }: BilledStep,
): LoggedEvent {
  return {
    kind: "step",
    data: {
      step,
      finish,
      tools: toolsOf(calls),
      input_tokens: tokens.input,
      output_tokens: tokens.output,
      ...bill,
      ms,
      ...(last ? { last: exhausted } : {}),
      ...(fault ? { fault: fault.reason } : {}),
    },
    content: text,
  };
}

function begin({ assignment, redact }: RunContext): RunState {
  const boundary = newBoundary();
  return {
    boundary,
    turns: opening(assignment, boundary, redact),
    step: 0,
    pending: [],
    results: [],
    used: { inputTokens: 0, outputTokens: 0, toolCalls: 0, ms: 0 },
    // What an earlier task has read in private is told in what came of it.
    private: assignment.earlier?.tasks.some((task) => task.private) ?? false,
    external: false,
    failures: 0,
  };
}

/** Makes a model's answer part of the run. */
function addStep(
  state: RunState,
  { step, results, refused }: ClampedOutput,
  { prefix, last, ms }: { prefix: string; last: boolean; ms: number },
): void {
  state.step++;
  state.failures = 0;
  delete state.failingSince;
  delete state.doubts;
  delete state.broken;
  delete state.brokenBy;
  state.turns.push(...step.turns);
  state.used.inputTokens += step.tokens.input;
  state.used.outputTokens += step.tokens.output;
  state.used.ms += ms;
  state.newestInput = step.tokens.input;
  state.faults = step.fault ? (state.faults ?? 0) + 1 : 0;
  state.fault = step.fault;
  if (step.fault && !last) return;
  state.used.toolCalls += step.calls.filter((call) => call.invalid).length;
  // In the last step there were no tools, whatever the model calls.
  const calls = last ? [] : step.calls;
  state.results.push(...results);
  state.pending = calls
    .map((call, index) => ({ ...call, key: `${prefix}:${state.step}:${index}` }))
    .filter((call) => !call.invalid);
  if (last || calls.length + refused === 0) state.said = step.text;
  if (calls.length + refused === 0 && step.finish === "length") state.exhausted = "output_tokens";
}

function refusedCall({ tool, invalid }: { tool: string; invalid?: string }): LoggedEvent {
  return {
    kind: "tool_denied",
    data: { tool, rule: "not_understood", reason: (invalid ?? "").slice(0, 500) },
  };
}

/** What came of the newest step's calls, in one turn with what the model was told of those it got wrong. */
function tellResults(state: RunState): void {
  const results = state.results.map(({ id, tool, text }) => ({
    type: "tool-result" as const,
    toolCallId: id,
    toolName: tool,
    output: { type: "text" as const, value: text },
  }));
  const newest = state.turns.at(-1);
  if (newest?.role === "tool") newest.content.push(...results);
  else state.turns.push({ role: "tool", content: results });
  inOrderOfCalls(state.turns);
  state.results = [];
}

/** Some servers know by its place alone which call a result is of. */
function inOrderOfCalls(turns: readonly Turn[]): void {
  const [asking, told] = turns.slice(-2);
  if (asking?.role !== "assistant" || told?.role !== "tool") return;
  const ids = [asking.content].flat().map((part) =>
    typeof part === "object" && part.type === "tool-call" ? part.toolCallId : ""
  );
  const placeOf = (part: typeof told.content[number]) =>
    part.type === "tool-result" ? ids.indexOf(part.toolCallId) : -1;
  told.content.sort((one, other) => placeOf(one) - placeOf(other));
}

/** The model ended in words instead of `finish`. */
function ended(run: RunContext, state: RunState): Outcome {
  const text = run.redact(state.said ?? "").trim();
  if (text === "") throw new Error(whyWordless(run, state));
  return completed(run, state, text);
}

/** The provider gave no answer: wait for it, or fail with its own words. */
async function putOff(
  error: unknown,
  { run, state, save }: OpenRun,
): Promise<Outcome> {
  if (!(error instanceof ModelError) || !error.temporary) throw error;
  state.failures++;
  state.doubts = error.doubtful ? (state.doubts ?? 0) + 1 : 0;
  if (error.mayHaveBilled) {
    state.broken = (state.broken ?? 0) + 1;
    state.brokenBy = run.redact(error.message);
  }
  if (state.doubts >= MOST_DOUBTS) {
    throw new Error(`${error.message} (${state.doubts} times in a row)`);
  }
  // Another worker may have begun, by another clock.
  const { now } = await readClock(run.database);
  state.failingSince ??= now.toISOString();
  if (now.getTime() - Date.parse(state.failingSince) > PATIENCE_MS) {
    throw new Error(`given up after a day of tries: ${errorText(error)}`);
  }
  await save([]);
  const own = Math.min(2 ** state.failures, MOST_WAIT_SECONDS) * (0.5 + randomInt(1_000) / 1_000);
  // What a provider asks for is the least: some ask for no time at all, again and again.
  const asked = Math.min(error.retryAfterSeconds ?? 0, MOST_RETRY_AFTER_SECONDS);
  return {
    status: "later",
    afterSeconds: Math.max(own, asked),
    reason: error.message,
  };
}

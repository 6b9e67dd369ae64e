import { randomInt } from "node:crypto";
import { errorText } from "../../process/log.ts";
import { redactAll, redactTexts } from "../../redaction/redact.ts";
import type { Outcome } from "../agent.ts";
import { fenced, newBoundary } from "../fence.ts";
import { type ClampedOutput, clampOutput, toolsOf } from "./clamp_output.ts";
import { ModelError } from "../model.ts";
import type { SourceRules } from "../policy.ts";
import { opening } from "../prompt.ts";
import { loadRun, type LoggedEvent, type RunState, saveRun, type TaskLease } from "./run.ts";
import { completeCall } from "./complete_call.ts";
import type { ToolContext } from "../tools/tool.ts";
import { specOf } from "../tools/tools.ts";
import { completed, type RunContext } from "./run_context.ts";

/** A model whose provider is away this long fails the task. */
const PATIENCE_MS = 24 * 60 * 60_000;
const MOST_WAIT_SECONDS = 15 * 60;
/** A provider may ask for more patience than we would have, but not for ever. */
const MOST_RETRY_AFTER_SECONDS = 60 * 60;

/**
 * Works on a task, step by step, until it ends, waits for a person or waits for
 * the model's provider. What is known is saved after each step, so that another
 * worker can go on where this one was lost.
 *
 * @throws when the task has failed, with the reason.
 */
export async function runLoop(place: RunContext, signal: AbortSignal): Promise<Outcome> {
  const { assignment, database, rules } = place;
  const turn: TaskLease = { taskId: assignment.taskId, epoch: assignment.epoch };
  const loaded = await loadRun(database, turn);
  const state = loaded.state ?? begin(place);
  const prefix = `${loaded.run}`;
  const untold = [...place.off];
  const save = async (events: LoggedEvent[], more: Partial<Parameters<typeof saveRun>[2]> = {}) => {
    const clean = events.map(({ kind, data }) => ({
      kind,
      data: redactAll(data, place.redact) as Record<string, unknown>,
    }));
    await saveRun(database, turn, { state, events: clean, actor: place.model.name, ...more });
  };

  while (true) {
    signal.throwIfAborted();
    const [call] = state.pending;
    if (call) {
      const context: ToolContext = {
        database,
        assignment,
        key: call.key,
        actor: place.model.name,
        destinations: rules.notify,
        fence: (value, what) =>
          fenced(redactAll(value, place.redact), {
            boundary: state.boundary,
            source: assignment.source,
            verified: assignment.verified,
            what,
          }),
      };
      const answer = call.asked ? loaded.answer : null;
      const outcome = await completeCall({ place, state, turn, context, answer, save }, signal);
      if (outcome) return outcome;
      continue;
    }
    if (state.results.length > 0) tellResults(state);
    if (state.said !== undefined) return ended(place, state);

    const exhausted = exhaustedBudget(state, rules);
    const last = exhausted !== undefined || state.step >= rules.budgets.steps - 1;
    if (state.step >= rules.budgets.steps) throw new Error(noEnd(rules.budgets.steps));
    const startedAt = Date.now();
    let answer: ClampedOutput;
    try {
      const step = await place.model.step({
        instructions: place.instructions,
        turns: state.turns,
        tools: [...place.tools.values()].map(specOf),
        last,
        maxOutputTokens: rules.budgets.outputTokens,
        maxMs: rules.budgets.stepSeconds * 1_000,
      }, signal);
      const callsLeft = rules.budgets.toolCalls - state.used.toolCalls;
      answer = redactTexts(clampOutput(step, { callsLeft }), place.redact);
    } catch (error) {
      signal.throwIfAborted();
      return await putOff(error, state, save);
    }
    const ms = Date.now() - startedAt;
    const { step } = answer;
    take(state, answer, { prefix, last, ms });
    if (last) state.exhausted ??= exhausted ?? "steps";
    const off = untold.splice(0).map((data) => ({ kind: "tool_off", data }));
    await save([
      ...off,
      {
        kind: "step",
        data: {
          step: state.step,
          finish: step.finish,
          tools: toolsOf(step.calls),
          input_tokens: step.tokens.input,
          output_tokens: step.tokens.output,
          ms,
          ...(last ? { last: state.exhausted } : {}),
        },
      },
      ...answer.events,
      ...step.calls.filter((each) => each.invalid).map(refusedCall),
    ], {
      usage: { source: assignment.source, tokens: step.tokens.input + step.tokens.output },
    });
  }
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
    private: false,
    external: false,
    failures: 0,
  };
}

/** Makes a model's answer part of the run. */
function take(
  state: RunState,
  { step, results, refused }: ClampedOutput,
  { prefix, last, ms }: { prefix: string; last: boolean; ms: number },
): void {
  state.step++;
  state.failures = 0;
  delete state.failingSince;
  state.turns.push(...step.turns);
  state.used.inputTokens += step.tokens.input;
  state.used.outputTokens += step.tokens.output;
  state.used.ms += ms;
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
  const told = state.results.map(({ id, tool, text }) => ({
    type: "tool-result" as const,
    toolCallId: id,
    toolName: tool,
    output: { type: "text" as const, value: text },
  }));
  const newest = state.turns.at(-1);
  if (newest?.role === "tool") newest.content.push(...told);
  else state.turns.push({ role: "tool", content: told });
  state.results = [];
}

/** Which budget leaves room for no more than some last words. */
function exhaustedBudget({ used }: RunState, { budgets }: SourceRules): string | undefined {
  if (used.inputTokens + used.outputTokens >= budgets.tokens) return "tokens";
  if (used.ms >= budgets.seconds * 1_000) return "seconds";
  return undefined;
}

const noEnd = (steps: number) => `the model came to no end within ${steps} steps`;

/** The model ended in words instead of `finish`. */
function ended(place: RunContext, state: RunState): Outcome {
  const text = place.redact(state.said ?? "").trim();
  if (text === "") throw new Error(whyWordless(place, state));
  return completed(place, state, text);
}

function whyWordless({ rules: { budgets } }: RunContext, { exhausted }: RunState): string {
  if (exhausted === undefined) return "the model ended without a word";
  if (exhausted !== "output_tokens") return noEnd(budgets.steps);
  return `the model used up its ${budgets.outputTokens} output tokens before it said a word: ` +
    "raise budgets.output_tokens in AGENT_CONFIG";
}

/** The provider gave no answer: wait for it, or fail with its own words. */
async function putOff(
  error: unknown,
  state: RunState,
  save: (events: LoggedEvent[]) => Promise<void>,
): Promise<Outcome> {
  if (!(error instanceof ModelError) || !error.temporary) throw error;
  state.failures++;
  state.failingSince ??= new Date().toISOString();
  if (Date.now() - Date.parse(state.failingSince) > PATIENCE_MS) {
    throw new Error(`given up after a day of tries: ${errorText(error)}`);
  }
  await save([]);
  const own = Math.min(2 ** state.failures, MOST_WAIT_SECONDS) * (0.5 + randomInt(1_000) / 1_000);
  const asked = error.retryAfterSeconds;
  return {
    status: "later",
    afterSeconds: asked === undefined ? own : Math.min(asked, MOST_RETRY_AFTER_SECONDS),
    reason: error.message,
  };
}

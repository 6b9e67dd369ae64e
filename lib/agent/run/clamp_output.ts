import { beginningOf } from "../../../sources/kit/beginning.ts";
import type { ModelStep, ToolCall, Turn } from "../model.ts";
import type { LoggedEvent } from "./run.ts";

/** The most of one call's arguments that is taken, in characters of JSON; the longest of our own tools is a third of it. */
const MOST_ARGUMENTS = 64 * 1_024;
/** The most of a model's whole answer: it is saved, and sent again with each further step. */
const MOST_ANSWER = 1_024 * 1_024;
/** So many refused calls are told one by one; each further one would only cost tokens with every step. */
const MOST_TOLD = 20;
/** The most of the words that are kept of an answer beyond that. */
const MOST_WORDS = 10_000;

const NO_CALLS_LEFT = "all tool calls are used up";
/** Some servers close what was cut off, and Anthropic hands on what there is of it. */
const CUT_OFF = "the answer came to its limit of tokens before this call was whole";

/** What is taken of a model's answer. */
export interface ClampedOutput {
  step: ModelStep;
  /** What the model is told of calls that it has not been told of yet. */
  results: { id: string; tool: string; text: string }[];
  /** How many calls were refused at once. They use up no budget: other calls of the step still need it. */
  refused: number;
  /** The refused calls, in one entry for the timeline. */
  events: LoggedEvent[];
}

/**
 * Holds a model's answer to its size before anything is done with it: every call that
 * is taken is judged and saved by itself. What is too much is refused at once.
 *
 * @param callsLeft how many more calls the budget has room for; `finish` needs none.
 */
export function clampOutput(step: ModelStep, { callsLeft }: { callsLeft: number }): ClampedOutput {
  const size = lengthOf(step.turns) + step.text.length;
  if (size > MOST_ANSWER) return leftOut(step, size);
  const refused = new Map<ToolCall, string>();
  let taken = 0;
  let finishes = 0;
  for (const call of step.calls) {
    const length = lengthOf(call.arguments);
    if (length > MOST_ARGUMENTS) {
      refused.set(call, `its arguments had ${length} characters, at most ${MOST_ARGUMENTS} may be`);
    } else if (step.finish === "length" && call === step.calls.at(-1)) {
      refused.set(call, CUT_OFF);
    } else if (call.tool === "finish" ? finishes++ > 0 : taken++ >= callsLeft) {
      refused.set(call, NO_CALLS_LEFT);
    }
  }
  if (refused.size === 0) return { step, results: [], refused: 0, events: [] };
  const reasons = [...new Set(refused.values())];
  const told = [...refused].slice(0, MOST_TOLD);
  const untold = new Set([...refused.keys()].slice(MOST_TOLD).map(({ id }) => id));
  const why = new Map(told.map(([{ id }, reason]) => [
    id,
    `Refused: ${reason}. ${reason === CUT_OFF ? "Say it in fewer words." : "Do not try again."}`,
  ]));
  if (untold.size > 0) {
    const [{ id }] = told.at(-1)!;
    why.set(id, `${why.get(id)} So were ${untold.size} more calls, which are left out.`);
  }
  return {
    step: {
      ...step,
      calls: step.calls.filter((call) => !refused.has(call)),
      turns: step.turns.map((turn) => shortened(turn, { why, untold })),
    },
    results: told.map(([call]) => call).filter(({ invalid }) => !invalid)
      .map(({ id, tool }) => ({ id, tool, text: why.get(id)! })),
    refused: refused.size,
    events: [refusal([...refused.keys()], reasons)],
  };
}

function leftOut(step: ModelStep, size: number): ClampedOutput {
  const reason = `the answer had ${size} characters, at most ${MOST_ANSWER} may be`;
  const turns: Turn[] = [{ role: "assistant", content: `(Left out: ${reason})` }];
  if (step.calls.length > 0) {
    turns.push({ role: "user", content: `Refused: ${reason}. None of its calls was made.` });
  }
  return {
    step: { ...step, text: beginningOf(step.text, MOST_WORDS), calls: [], turns },
    results: [],
    refused: step.calls.length,
    events: [refusal(step.calls, [reason])],
  };
}

function refusal(calls: readonly ToolCall[], reasons: readonly string[]): LoggedEvent {
  const rule = reasons.every((reason) => reason === NO_CALLS_LEFT)
    ? "budget_tool_calls"
    : "too_much";
  const tool = [...new Set(toolsOf(calls))].join(", ");
  const reason = reasons.slice(0, 3).join("; ");
  return { kind: "tool_denied", data: { tool, rule, reason, calls: calls.length } };
}

/** The names of the tools that are called, as the timeline shows them. */
export function toolsOf(calls: readonly ToolCall[]): string[] {
  return calls.slice(0, 20).map(({ tool }) => tool.slice(0, 100));
}

/** A turn without what refused calls would have been made with. */
function shortened(
  turn: Turn,
  { why, untold }: { why: ReadonlyMap<string, string>; untold: ReadonlySet<string> },
): Turn {
  if (typeof turn.content === "string") return turn;
  const kept = (turn.content as { toolCallId?: string }[])
    .filter(({ toolCallId }) => toolCallId === undefined || !untold.has(toolCallId));
  const content = (kept as typeof turn.content).map((part) => {
    if (part.type === "tool-call" && why.has(part.toolCallId)) {
      return { ...part, input: { left_out: why.get(part.toolCallId) } };
    }
    if (part.type === "tool-result" && why.has(part.toolCallId)) {
      return { ...part, output: { type: "error-text", value: why.get(part.toolCallId) } };
    }
    return part;
  });
  return { ...turn, content } as Turn;
}

function lengthOf(value: unknown): number {
  return typeof value === "string" ? value.length : JSON.stringify(value)?.length ?? 0;
}

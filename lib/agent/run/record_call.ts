import { isByPerson, WITHDRAWN } from "../../message/subject/withdrawal.ts";
import { unfenced, withoutFences } from "../fence.ts";
import type { PolicyDecision } from "../policy.ts";
import type { Tool } from "../tools/tool.ts";
import { type RunState, shown } from "./run.ts";
import type { RunContext, RunSaver } from "./run_context.ts";

/** The oldest pending call of a run, on its way to its end. */
export interface CallCompletion {
  run: RunContext;
  state: RunState;
  /** What a person has answered to this call, if it has asked one. */
  answer: string | null;
  save: RunSaver;
}

/** What came of a call that was made. */
export interface CallResult {
  /** What the model is told. */
  text: string;
  ms: number;
  /** Why it failed, for people. */
  error?: string;
}

/** A person has answered what the call asked, or nobody will any more. */
export async function recordAnswer(completion: CallCompletion, answer: string): Promise<undefined> {
  const isAnswered = isByPerson(answer);
  // A person knows things that a sender must not learn.
  if (isAnswered) completion.state.private = true;
  const why = answer === WITHDRAWN
    ? "what it is about was closed meanwhile"
    : "the task has been open for too long";
  await record(
    completion,
    isAnswered
      ? `A person of the team answered: ${withoutFences(answer)}`
      : `Nobody answered. The question was withdrawn: ${why}.`,
    "tool_result",
    { ms: 0 },
  );
}

/** The arguments are not the tool's. */
export async function recordBadArguments(
  completion: CallCompletion,
  reason: string,
): Promise<undefined> {
  // It may name what the model has written, at whosever wish.
  const text = `The arguments are not right. ${withoutFences(reason)}`;
  await record(completion, text, "tool_denied", { rule: "bad_arguments", reason });
}

/** The policy or a person said no. */
export async function recordDenial(
  completion: CallCompletion,
  { rule, reason }: PolicyDecision,
): Promise<undefined> {
  const text = `Refused: ${reason}. Do not try again.`;
  await record(completion, text, "tool_denied", { rule, reason });
}

/** A call that was made, whatever came of it, opens and shuts the doors that its tool can. */
export async function recordResult(
  completion: CallCompletion,
  { capability }: Tool,
  { text, ms, error }: CallResult,
): Promise<undefined> {
  const { state } = completion;
  if (capability.reads === "private") state.private = true;
  if (capability.effect === "external") state.external = true;
  await record(completion, text, "tool_result", { ms, ...(error ? { error } : {}) });
}

/** Takes the oldest call off the list, with what the model is told of it. */
async function record(
  { run, state, save }: CallCompletion,
  text: string,
  kind: "tool_result" | "tool_denied",
  data: Record<string, unknown>,
): Promise<void> {
  const call = state.pending.shift()!;
  state.used.toolCalls++;
  const result = run.redact(text);
  state.results.push({ id: call.id, tool: call.tool, text: result });
  await save([{
    kind,
    data: {
      step: state.step,
      tool: call.tool,
      ...(kind === "tool_denied" ? { arguments: shown(call.arguments) } : {}),
      characters: result.length,
      ...data,
      policy: run.policyVersion,
    },
    // Why a call was refused is in its data.
    ...(kind === "tool_result" ? { content: unfenced(result, state.boundary) } : {}),
  }], { done: { key: call.key, result } });
}

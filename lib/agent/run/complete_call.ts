import { errorText } from "../../process/log.ts";
import { redactAll } from "../../redaction/redact.ts";
import { isStoreAway } from "../../store/store_away.ts";
import type { Outcome } from "../agent.ts";
import { fingerprint } from "../canonical.ts";
import { fenced, withoutFences } from "../fence.ts";
import { decide, type PolicyDecision } from "../policy.ts";
import type { Tool, ToolContext } from "../tools/tool.ts";
import { checkApproval, type CheckedCall, versionFor } from "./approval_check.ts";
import {
  type CallCompletion,
  type CallResult,
  recordAnswer,
  recordBadArguments,
  recordDenial,
  recordResult,
} from "./record_call.ts";
import { completeWait } from "./wait.ts";
import { type LoggedEvent, type PlacedCall, type RunState, shown } from "./run.ts";
import { completed, type RunContext, runTool } from "./run_context.ts";

/** The most of a failure's own words that is kept: some servers send a whole page. */
const MOST_FAILURE = 500;

const APPROVAL_VOID: PolicyDecision = {
  action: "deny",
  rule: "approval_void",
  reason: "it was approved, but for other arguments, under other rules, or too long ago",
};

const WORKER_LOST: CallResult = {
  text: "The worker was lost in the middle of this call: nobody knows whether it had its effect. " +
    "It is not made again.",
  ms: 0,
  error: "outcome unknown",
};

/**
 * Completes the oldest pending call of a run: asks the policy, writes its decision
 * down, makes the call when it may be made, and saves what came of it.
 *
 * @returns an outcome when the run ends here or waits for a person.
 */
export async function completeCall(
  completion: CallCompletion,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { run, state, answer } = completion;
  const [call] = state.pending;
  if (answer !== null && call.asked) return await recordAnswer(completion, answer);
  const tool = run.tools.get(call.tool);
  const parsed = tool?.arguments.safeParse(call.arguments);
  if (parsed && !parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    return await recordBadArguments(completion, `${path.join(".") || "arguments"}: ${message}`);
  }
  const decision = judge(run, state, call, tool);
  if (decision.action === "deny" || !tool) return await recordDenial(completion, decision);
  const args = parsed!.data;
  const checked = {
    tool,
    args,
    sha256: fingerprint({ tool: tool.name, arguments: args }),
    decision,
  };
  if (decision.action === "ask") {
    const approval = await checkApproval(completion, checked);
    if (approval !== "approved") {
      return "wait" in approval ? approval.wait : await recordDenial(completion, approval.deny);
    }
  }
  if (tool.name === "wait_for_event") {
    return await completeWait(completion, checked, callEvent(run, state, checked));
  }
  return tool.name === "ask_human"
    ? await askPeople(completion, checked)
    : await makeCall(completion, checked, signal);
}

/** The policy's decision; a policy that breaks says no. */
function judge(
  { mode, assignment, rules, isUnattended }: RunContext,
  { used, private: read, external }: RunState,
  call: PlacedCall,
  tool: Tool | undefined,
): PolicyDecision {
  try {
    const decision = decide({
      mode,
      verified: assignment.verified,
      rules,
      tool: call.tool,
      capability: tool?.capability,
      asks: tool?.asks,
      session: { toolCalls: used.toolCalls, private: read, external },
    });
    return isUnattended && decision.action === "ask"
      ? { action: "deny", rule: "unattended", reason: `nobody is asked here: ${decision.reason}` }
      : decision;
  } catch (error) {
    return { action: "deny", rule: "policy_broken", reason: errorText(error) };
  }
}

/** The timeline's entry for a call that may be made. */
function callEvent(
  { policyVersion, redact }: RunContext,
  { step }: RunState,
  { tool, args, sha256, decision }: CheckedCall,
): LoggedEvent {
  return {
    kind: "tool_call",
    data: redactAll({
      step,
      tool: tool.name,
      arguments: shown(args),
      sha256,
      verdict: decision.action === "ask" ? "approved" : decision.action,
      rule: decision.rule,
      policy: policyVersion,
    }, redact) as Record<string, unknown>,
  };
}

async function askPeople(
  { run, state, save }: CallCompletion,
  checked: CheckedCall<{ question: string }>,
): Promise<Outcome> {
  const [call] = state.pending;
  if (!call.asked) {
    call.asked = true;
    await save([callEvent(run, state, checked)]);
  }
  return { status: "waiting_input", question: run.redact(checked.args.question) };
}

/** Makes a call that may be made, unless it was made before. */
async function makeCall(
  completion: CallCompletion,
  checked: CheckedCall,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { run, state } = completion;
  const { tool, args, sha256, decision } = checked;
  const start = await run.record.startCall({
    key: state.pending[0].key,
    tool: tool.name,
    event: callEvent(run, state, checked),
    terms: decision.action === "ask" ? { sha256, policyVersion: versionFor(run, tool) } : undefined,
  });
  if (start === "refused") return await recordDenial(completion, APPROVAL_VOID);
  if (tool.name === "finish") return end(run, state, args);
  if (typeof start === "object") {
    return await recordResult(completion, tool, { text: start.result, ms: 0 });
  }
  const mayRepeat = tool.atomic || tool.capability.effect === "none";
  const result = start === "unknown" && !mayRepeat
    ? WORKER_LOST
    : await callTool(completion, { tool, args }, signal);
  return await recordResult(completion, tool, result);
}

function end(
  run: RunContext,
  state: RunState,
  { status, summary, details }: { status: string; summary: string; details?: unknown },
): Outcome {
  if (status === "failed") throw new Error(run.redact(summary));
  return completed(run, state, run.redact(summary), redactAll(details, run.redact));
}

/** Calls a tool; its failure is a result like others, unless the store has failed. */
async function callTool(
  { run, state }: CallCompletion,
  { tool, args }: Pick<CheckedCall, "tool" | "args">,
  signal: AbortSignal,
): Promise<CallResult> {
  const startedAt = Date.now();
  const context = toolContext(run, state);
  try {
    const seconds = run.rules.budgets.toolSeconds;
    // A server outside may hang: tasks that do not need it must not wait for it.
    if (!tool.atomic) run.place?.lend();
    const text = await runTool(tool, args, context, { seconds, signal });
    return { text, ms: Date.now() - startedAt };
  } catch (error) {
    signal.throwIfAborted();
    // Nobody knows what became of it; the next worker will.
    if (isStoreAway(error)) throw error;
    const failure = run.redact(errorText(error)).slice(0, MOST_FAILURE);
    // What a server outside says of its failure is as little to be trusted as its results.
    const text = `The call failed: ${
      tool.atomic ? withoutFences(failure) : context.fence(failure, "error")
    }`;
    return { text, ms: Date.now() - startedAt, error: failure };
  }
}

/** What the oldest pending call gets to work with. */
function toolContext(
  { database, assignment, model, redact }: RunContext,
  { boundary, pending: [{ key }] }: RunState,
): ToolContext {
  const { source, verified } = assignment;
  return {
    database,
    assignment,
    key,
    actor: model.name,
    fence: (value, what) => fenced(redactAll(value, redact), { boundary, source, verified, what }),
  };
}

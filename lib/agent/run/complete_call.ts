import { fingerprint } from "../canonical.ts";
import { errorText } from "../../process/log.ts";
import { redactAll } from "../../redaction/redact.ts";
import { isStoreAway } from "../../store/store_away.ts";
import type { Outcome } from "../agent.ts";
import { startCall } from "./call.ts";
import { decide, type PolicyDecision } from "../policy.ts";
import {
  type LoggedEvent,
  type PlacedCall,
  type RunState,
  type saveRun,
  shown,
  type TaskLease,
} from "./run.ts";
import type { Tool, ToolContext } from "../tools/tool.ts";
import { checkApproval, versionFor } from "./approval_check.ts";
import { completed, type RunContext, runTool } from "./run_context.ts";

interface CallCompletion {
  place: RunContext;
  state: RunState;
  turn: TaskLease;
  context: ToolContext;
  /** What a person has answered to this call, if it has asked one. */
  answer: string | null;
  save(events: LoggedEvent[], more?: Partial<Parameters<typeof saveRun>[2]>): Promise<void>;
}

/**
 * Settles the oldest pending call of a run: asks the policy, writes its verdict
 * down, makes the call when it may be made, and saves what came of it.
 *
 * @returns an outcome when the run ends here or waits for a person.
 */
export async function completeCall(
  settling: CallCompletion,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { place, state, context, answer } = settling;
  const [call] = state.pending;
  if (answer !== null) {
    // A person knows things that a sender must not learn.
    state.private = true;
    await settled(settling, `A person of the team answered: ${answer}`, "tool_result", { ms: 0 });
    return;
  }
  const tool = place.tools.get(call.tool);
  const parsed = tool?.arguments.safeParse(call.arguments);
  if (parsed && !parsed.success) {
    const [issue] = parsed.error.issues;
    const wrong = `${issue.path.join(".") || "arguments"}: ${issue.message}`;
    await settled(settling, `The arguments are not right. ${wrong}`, "tool_denied", {
      rule: "bad_arguments",
      reason: wrong,
    });
    return;
  }
  const verdict = judge(place, state, call, tool);
  if (verdict.action === "deny" || !tool) {
    await denied(settling, verdict);
    return;
  }
  const args = parsed!.data;
  const sha256 = fingerprint({ tool: tool.name, arguments: args });
  let approval: { sha256: string; policyVersion: string } | undefined;
  if (verdict.action === "ask") {
    const word = await checkApproval(settling, { tool, args, sha256, verdict });
    if (word !== "approved") {
      if ("wait" in word) return word.wait;
      await denied(settling, word.deny);
      return;
    }
    approval = { sha256, policyVersion: versionFor(place, tool) };
  }
  const event: LoggedEvent = {
    kind: "tool_call",
    data: redactAll({
      step: state.step,
      tool: tool.name,
      arguments: shown(args),
      sha256,
      verdict: verdict.action === "ask" ? "approved" : verdict.action,
      rule: verdict.rule,
      policy: place.policyVersion,
    }, place.redact) as Record<string, unknown>,
  };
  if (tool.name === "ask_human") return await askPeople(settling, args, event);
  const start = await startCall(place.database, settling.turn, {
    key: call.key,
    tool: tool.name,
    event,
    actor: place.model.name,
    approval,
  });
  if (start === "refused") {
    await denied(settling, {
      action: "deny",
      rule: "approval_void",
      reason: "it was approved, but for other arguments, under other rules, or too long ago",
    });
    return;
  }
  if (tool.name === "finish") return end(place, state, args);
  if (typeof start === "object") return await made(settling, tool, start.result, 0);
  if (start === "unknown" && !tool.atomic && tool.capability.effect !== "none") {
    await made(
      settling,
      tool,
      "The worker was lost in the middle of this call: nobody knows whether it had its effect. " +
        "It is not made again.",
      0,
      "outcome unknown",
    );
    return;
  }
  const startedAt = Date.now();
  let told: string;
  let failure: string | undefined;
  try {
    const seconds = place.rules.budgets.toolSeconds;
    told = await runTool(tool, args, context, { seconds, signal });
  } catch (error) {
    signal.throwIfAborted();
    // Nobody knows what became of it; the next worker will.
    if (isStoreAway(error)) throw error;
    failure = errorText(error).slice(0, 500);
    // What a server outside says of its failure is as little to be trusted as its results.
    told = `The call failed: ${tool.atomic ? failure : context.fence(failure, "error")}`;
  }
  await made(settling, tool, told, Date.now() - startedAt, failure);
}

/** The policy's verdict; a policy that breaks says no. */
function judge(
  { mode, assignment, rules }: RunContext,
  { used, private: read, external }: RunState,
  call: PlacedCall,
  tool: Tool | undefined,
): PolicyDecision {
  try {
    return decide({
      mode,
      verified: assignment.verified,
      rules,
      tool: call.tool,
      capability: tool?.capability,
      session: { toolCalls: used.toolCalls, private: read, external },
    });
  } catch (error) {
    return { action: "deny", rule: "policy_broken", reason: errorText(error) };
  }
}

async function askPeople(
  { state, save, place }: CallCompletion,
  { question }: { question: string },
  event: LoggedEvent,
): Promise<Outcome> {
  const [call] = state.pending;
  if (!call.asked) {
    call.asked = true;
    await save([event]);
  }
  return { status: "waiting_input", question: place.redact(question) };
}

function end(
  place: RunContext,
  state: RunState,
  { status, summary, details }: { status: string; summary: string; details?: unknown },
): Outcome {
  if (status === "failed") throw new Error(place.redact(summary));
  return completed(place, state, place.redact(summary), redactAll(details, place.redact));
}

async function denied(settling: CallCompletion, { rule, reason }: PolicyDecision): Promise<void> {
  await settled(settling, `Refused: ${reason}. Do not try again.`, "tool_denied", { rule, reason });
}

/** A call that was made, whatever came of it, opens and shuts the doors that its tool can. */
async function made(
  settling: CallCompletion,
  { capability }: Tool,
  told: string,
  ms: number,
  error?: string,
): Promise<undefined> {
  const { state } = settling;
  if (capability.reads === "private") state.private = true;
  if (capability.effect === "external") state.external = true;
  await settled(settling, told, "tool_result", { ms, ...(error ? { error } : {}) });
}

/** Takes the oldest call off the list, with what the model is told of it. */
async function settled(
  { place, state, save }: CallCompletion,
  told: string,
  kind: "tool_result" | "tool_denied",
  data: Record<string, unknown>,
): Promise<void> {
  const call = state.pending.shift()!;
  state.used.toolCalls++;
  const text = place.redact(told);
  state.results.push({ id: call.id, tool: call.tool, text });
  await save([{
    kind,
    data: {
      step: state.step,
      tool: call.tool,
      ...(kind === "tool_denied" ? { arguments: shown(call.arguments) } : {}),
      characters: text.length,
      ...data,
      policy: place.policyVersion,
    },
  }], { done: { key: call.key, result: text } });
}

import { redactAll } from "../../redaction/redact.ts";
import type { Outcome } from "../agent.ts";
import { canonicalJson, fingerprint } from "../canonical.ts";
import type { PolicyDecision } from "../policy.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import { showUnseen } from "../../../sources/kit/json_layout.ts";
import type { Tool } from "../tools/tool.ts";
import { approvalState, requestApproval } from "./call.ts";
import { type LoggedEvent, type RunState, shown } from "./run.ts";
import type { RunContext } from "./run_context.ts";

/** A call whose arguments fit its tool, and what the policy says of it. */
// deno-lint-ignore no-explicit-any -- each tool has arguments of its own
export interface CheckedCall<Arguments = any> {
  tool: Tool;
  args: Arguments;
  /** Of the tool's name and the arguments: what an approval is given for. */
  sha256: string;
  decision: PolicyDecision;
}

/** What people have decided on a call: it may be made, it may not, or nobody has decided yet. */
type ApprovalCheck = "approved" | { deny: PolicyDecision } | { wait: Outcome };

/** The most of a call's arguments that a question repeats; the approval itself shows all of them. */
const MOST_ARGUMENTS = 500;

/** What an approval is given under: other rules, or another tool of the same name, void it. */
export function versionFor({ policyVersion }: RunContext, tool: Tool): string {
  const { capability, description, schema } = tool;
  return `${policyVersion}-${fingerprint({ capability, description, schema }).slice(0, 12)}`;
}

/** Looks whether people have decided on the oldest pending call, and asks them where nobody has yet. */
export async function checkApproval(
  { run, state }: { run: RunContext; state: RunState },
  checked: CheckedCall,
): Promise<ApprovalCheck> {
  const [{ key }] = state.pending;
  const found = await approvalState(run.database, run.assignment, key);
  // Used: by this very call, whose worker was lost before it could say so.
  if (found === "approved" || found === "used") return "approved";
  if (found !== undefined && found !== "pending") {
    const reason = found === "denied" ? "a person said no" : `the approval is ${found}`;
    return { deny: { action: "deny", rule: `approval_${found}`, reason } };
  }
  const { tool, sha256, decision } = checked;
  const args = canonicalJson(checked.args);
  if (found === undefined) {
    await requestApproval(
      run,
      { key, tool: tool.name, args },
      { sha256, policyVersion: versionFor(run, tool), rule: decision.rule },
      requestEvent(run, state, checked),
    );
  }
  const what = showUnseen(run.redact(beginningOf(args, MOST_ARGUMENTS)));
  const question = `May I call ${tool.name} with ${what}? (${decision.reason})`;
  return { wait: { status: "waiting_input", question } };
}

/** The timeline's entry for a request. */
function requestEvent(
  { policyVersion, redact }: RunContext,
  { step }: RunState,
  { tool, args, sha256, decision }: CheckedCall,
): LoggedEvent {
  return {
    kind: "approval_requested",
    data: redactAll({
      step,
      tool: tool.name,
      arguments: shown(args),
      sha256,
      rule: decision.rule,
      reason: decision.reason,
      policy: policyVersion,
    }, redact) as Record<string, unknown>,
  };
}

import { APPROVAL_HOURS } from "../../task/approval.ts";
import { canonicalJson, fingerprint } from "../canonical.ts";
import { redactAll } from "../../redaction/redact.ts";
import type { Outcome } from "../agent.ts";
import { approvalState, requestApproval } from "./call.ts";
import type { PolicyDecision } from "../policy.ts";
import { cut } from "../prompt.ts";
import { type RunState, shown, type TaskLease } from "./run.ts";
import type { Tool } from "../tools/tool.ts";
import type { RunContext } from "./run_context.ts";

/** What an approval is given under: other rules, or another tool of the same name, void it. */
export function versionFor({ policyVersion }: RunContext, tool: Tool): string {
  const { capability, description, schema } = tool;
  return `${policyVersion}-${fingerprint({ capability, description, schema }).slice(0, 12)}`;
}

/** A person's word on a call, as far as there is one. */
type Word = "approved" | { deny: PolicyDecision } | { wait: Outcome };

/** Looks for a person's word on the oldest pending call, and asks for it when nobody has yet. */
export async function checkApproval(
  { place, state, turn }: { place: RunContext; state: RunState; turn: TaskLease },
  { tool, args, sha256, verdict }: {
    tool: Tool;
    args: unknown;
    sha256: string;
    verdict: PolicyDecision;
  },
): Promise<Word> {
  const [call] = state.pending;
  const found = await approvalState(place.database, turn, call.key);
  // Used: by this very call, whose worker was lost before it could say so.
  if (found?.state === "approved" || found?.state === "used") return "approved";
  if (found !== undefined && found.state !== "pending") {
    const { state } = found;
    return {
      deny: {
        action: "deny",
        rule: `approval_${state}`,
        reason: state === "denied" ? "a person said no" : `the approval is ${state}`,
      },
    };
  }
  if (found === undefined) {
    await requestApproval(place.database, turn, {
      key: call.key,
      tool: tool.name,
      args: canonicalJson(args),
      sha256,
      rule: verdict.rule,
      policyVersion: versionFor(place, tool),
      hours: APPROVAL_HOURS,
      event: {
        kind: "approval_requested",
        data: redactAll({
          step: state.step,
          tool: tool.name,
          arguments: shown(args),
          sha256,
          rule: verdict.rule,
          reason: verdict.reason,
          policy: place.policyVersion,
        }, place.redact) as Record<string, unknown>,
      },
      actor: place.model.name,
    });
  }
  const what = place.redact(cut(canonicalJson(args), 500));
  const question = `May I call ${tool.name} with ${what}? (${verdict.reason})`;
  return { wait: { status: "waiting_input", question } };
}

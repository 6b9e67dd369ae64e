import type { Price } from "../../config/model/prices.ts";
import type { AgentMode } from "../../config/settings.ts";
import type { Database } from "../../store/database.ts";
import { unlessAborted } from "../../async/deadline.ts";
import type { Redact } from "../../redaction/redact.ts";
import type { Outcome, ReadAssignment } from "../agent.ts";
import type { Model } from "../model.ts";
import type { ToolOff } from "../tool_spec.ts";
import type { SourceRules } from "../policy.ts";
import { mayGoOn, usedInAll } from "./rounds.ts";
import type { BudgetScope } from "../budget/scope.ts";
import type { reserve } from "../budget/reservation.ts";
import type { Reservation, Settlement } from "../budget/settlement.ts";
import type { Breaker } from "./breaker.ts";
import type { Start, StartingCall } from "./call.ts";
import type { Place } from "./concurrency.ts";
import type { LoadedRun, LoggedEvent, RunState, SavedRun } from "./run.ts";
import type { Tool, ToolContext } from "../tools/tool.ts";

/**
 * Where a run is written, a task's or a trial's, under the lease of whoever works it. Each throws
 * {@link TaskLostError} where there is a newer one.
 */
export interface RunRecord {
  /** The run as the last worker left it; the call that it has left behind is counted. */
  load(): Promise<LoadedRun>;
  save(saved: SavedRun): Promise<void>;
  /** Writes down that a call is about to be made: only after that may it be made, and only once. */
  startCall(call: StartingCall): Promise<Start>;
  /** Whether it was counted among its source's tasks. */
  hasBegun(): Promise<boolean>;
  /** Reserves what one model call may bill, in all its budgets or in none. */
  reserve(request: Parameters<typeof reserve>[2]): Promise<Reservation | undefined>;
  /** Settles a call that gave no step to be saved. */
  settle(settlement: Settlement): Promise<void>;
}

/** Everything that a run is worked with. */
export interface RunContext {
  database: Database;
  record: RunRecord;
  model: Model;
  assignment: ReadAssignment;
  mode: AgentMode;
  instructions: string;
  rules: SourceRules;
  /** The budgets that its calls count in, besides the task's own. */
  scopes: readonly BudgetScope[];
  price: Price | undefined;
  tools: ReadonlyMap<string, Tool>;
  /** Tools that are listed and cannot be used now, and why. */
  off: readonly ToolOff[];
  /** Changes whenever what the policy would say may change. */
  policyVersion: string;
  redact: Redact;
  /** Among the tasks that the model works at once; a trial has none. */
  place?: Place;
  /** What is known of the model's provider by others' tasks. */
  breaker?: Breaker;
  /** Nobody is asked anything: what would need a person's word is refused. */
  isUnattended?: boolean;
}

/** Saves a run with what has happened in it, secrets taken out. */
export type RunSaver = (
  events: LoggedEvent[],
  more?: Pick<SavedRun, "done" | "settlement" | "delivered">,
) => Promise<void>;

/** What a finished run leaves behind. */
export function completed(
  run: RunContext,
  state: RunState,
  text: string,
  details?: unknown,
): Outcome {
  const { model, mode, assignment } = run;
  const used = usedInAll(state);
  return {
    status: "completed",
    text,
    readsAll: mayGoOn(run, state),
    data: {
      agent: "model",
      model: model.name,
      mode,
      verified: assignment.verified,
      private: state.private,
      steps: state.step,
      input_tokens: used.inputTokens,
      output_tokens: used.outputTokens,
      budget: state.exhausted ?? null,
      details: details ?? null,
    },
  };
}

/** Runs a tool for no longer than it may take, or the signal lives. */
export async function runTool(
  tool: Tool,
  args: unknown,
  context: ToolContext,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<string> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1_000)]);
  const text = await unlessAborted(stop, tool.run(args, context, stop));
  signal.throwIfAborted();
  if (text === undefined) throw new Error(`no answer within ${seconds} seconds`);
  return text;
}

import type { Assignment } from "../agent.ts";
import { hasBegun, reserve } from "../budget/reservation.ts";
import { settle } from "../budget/settlement.ts";
import { type RunOwner, startCall } from "./call.ts";
import { loadRun, saveRun } from "./run.ts";
import type { RunRecord } from "./run_context.ts";

/** The run of a task, as the worker that has it writes it. */
export function taskRecord(
  owner: RunOwner & {
    assignment: Assignment;
    /** What it is worked with. */
    instruction: string;
    currency: string | undefined;
  },
): RunRecord {
  const { database, assignment, model, instruction, currency } = owner;
  return {
    load: () => loadRun(database, assignment, { instruction, currency }),
    save: (saved) => saveRun(database, assignment, { ...saved, actor: model.name }),
    startCall: (call) => startCall(owner, call),
    hasBegun: () => hasBegun(database, assignment.taskId),
    reserve: (request) => reserve(database, assignment, request),
    settle: (settlement) => settle(database, settlement, currency),
  };
}

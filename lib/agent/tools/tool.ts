import type { z } from "zod";
import type { Database } from "../../store/database.ts";
import type { ReadAssignment } from "../agent.ts";
import type { Capability } from "../policy.ts";

/** What a tool gets to work with. */
export interface ToolContext {
  database: Database;
  assignment: ReadAssignment;
  /** The call's place in the run; with the task it is the key under which an effect is made once. */
  key: string;
  actor: string;
  /** Puts what others have written between a fence. */
  fence(value: unknown, what: string): string;
}

/** Something that a model may ask for. The policy decides whether it gets it. */
// deno-lint-ignore no-explicit-any -- each tool has arguments of its own
export interface Tool<Arguments = any> {
  name: string;
  description: string;
  capability: Capability;
  /** Checks the arguments before anything else looks at them. */
  arguments: z.ZodType<Arguments>;
  /** The same for the model, where zod's own JSON Schema will not do. */
  schema?: Record<string, unknown>;
  /**
   * Its effect and the mark that it was made are one statement (see `once`), so
   * it may be begun again after a crash.
   */
  atomic: boolean;
  /** Why a person has to agree to each call, whatever else the policy says. */
  asks?: string;
  /** What the model is told. A rejection is told, too, and does not fail the task. */
  run(args: Arguments, context: ToolContext, signal: AbortSignal): Promise<string>;
}

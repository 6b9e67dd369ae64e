import { z } from "zod";
import { MOST_WAIT_MINUTES, USUAL_WAIT_MINUTES } from "../../task/wait.ts";
import type { Tool } from "./tool.ts";

export interface WaitArguments {
  events: string[];
  minutes: number;
}

/** Waits for the next message about the same. The loop knows it. */
export const waitForEvent: Tool<WaitArguments> = {
  name: "wait_for_event",
  description: "Waits for the next message about the same thing, such as the result of a check. " +
    "It says what came, or that nothing did. A first result is not all of them: read the rest " +
    "with a tool, and wait again if need be.",
  capability: { reads: "payload", effect: "internal" },
  atomic: true,
  arguments: z.strictObject({
    events: z.array(z.string().min(1).max(100)).max(10).default([])
      .describe(
        'Names of events, * is any text: "check_suite", "*.completed". Without any: whatever comes',
      ),
    minutes: z.number().int().min(1).max(MOST_WAIT_MINUTES).default(USUAL_WAIT_MINUTES),
  }),
  run: () => Promise.reject(new Error("answered by what comes")),
};

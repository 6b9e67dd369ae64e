import { z } from "zod";
import type { Tool } from "./tool.ts";

/** The longest and the usual wait, in minutes: a build takes minutes, and a person a day. */
const MOST_MINUTES = 24 * 60;
const USUAL_MINUTES = 60;

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
      .describe('Names of events, * is any text: "check_suite.*". Without any: whatever comes'),
    minutes: z.number().int().min(1).max(MOST_MINUTES).default(USUAL_MINUTES),
  }),
  run: () => Promise.reject(new Error("answered by what comes")),
};

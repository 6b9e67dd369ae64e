import { z } from "@hono/zod-openapi";
import { MOST_BATCH } from "../../lib/task/trial/start.ts";
import { TRIAL_STATUSES } from "../../lib/task/trial/trial.ts";
import { id, time, timeOrNull } from "./fields.ts";

/** As many as AGENT_CONFIG takes. */
const MOST_INSTRUCTION = 8_000;
/** More than there are. */
const MOST_TOOLS = 200;

const asked = {
  instruction: z.string().max(MOST_INSTRUCTION).optional().openapi({
    description: "In the place of the source's own; without it, that",
  }),
  model: z.string().max(200).optional().openapi({
    example: "openai/gpt-5-mini",
    description:
      "Of the provider in use: the one in use, one of `AGENT_TRIAL_MODELS` or one that " +
      "has a price; without it, the one in use",
  }),
  tools: z.array(z.string().max(64)).max(MOST_TOOLS).optional().openapi({
    description: "The tools that it may see, besides those that every message may use; without " +
      "it, those of the source. None that has an effect is run",
  }),
};

export const trialOrder = z.strictObject(asked).openapi("TrialOrder");

export const sourceTrialOrder = z.strictObject({
  ...asked,
  count: z.number().int().min(1).max(MOST_BATCH).default(10).openapi({
    description: "How many of the source's newest messages are tried, refused ones left out",
  }),
}).openapi("SourceTrialOrder");

export const trial = z.object({
  id,
  message_id: id,
  source: z.string(),
  batch_id: id.nullable().openapi({ description: "Of those that were begun together" }),
  instruction: z.string().nullable().openapi({ description: "Null is the source's own" }),
  tools: z.array(z.string()).nullable().openapi({ description: "Null are the source's own" }),
  model: z.string(),
  requested_by: z.string(),
  status: z.enum(TRIAL_STATUSES),
  waits_for: z.string().nullable().openapi({ description: "Why it is not gone on with now" }),
  result: z.object({ text: z.string(), data: z.unknown() }).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  created_at: time,
  started_at: timeOrNull,
  finished_at: timeOrNull,
  deadline_at: time.openapi({ description: "What has not ended by then fails" }),
}).openapi("Trial");

export const wholeTrial = trial.extend({
  had_instruction: z.string().nullable().openapi({
    description: "What it was worked with, the source's own where it asks for none; null before",
  }),
  events: z.array(z.object({
    at: time,
    kind: z.string().openapi({ example: "tool_denied" }),
    data: z.unknown().openapi({
      description: "Of a `tool_denied` with the rule `observe`: what it would have done",
    }),
    content: z.string().nullable(),
  })),
}).openapi("WholeTrial");

/** One trial, as a program reads it. */
export type ShownTrial = z.infer<typeof wholeTrial>;

export const trials = z.object({ items: z.array(trial) }).openapi("Trials");

export const trialBatch = z.object({ batch_id: id, items: z.array(trial) }).openapi("TrialBatch");

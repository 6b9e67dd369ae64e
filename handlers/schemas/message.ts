import { z } from "@hono/zod-openapi";
import { MESSAGE_STATES } from "../../lib/message/message.ts";
import { PHASES } from "../../lib/message/search/phase.ts";
import { id, time, timeOrNull } from "./fields.ts";
import { subjectRef, subjectRole } from "./subject.ts";

export const message = z.object({
  message_id: id,
  webhook_type: z.string().openapi({ example: "github" }),
  source: z.string().openapi({ example: "github" }),
  event: z.string().nullable().openapi({ example: "push" }),
  title: z.string().nullable(),
  state: z.enum(MESSAGE_STATES),
  phase: z.enum(PHASES).openapi({
    description: "One word of the message and its task together, as it was when this was read",
  }),
  reason: z.string().nullable(),
  hint: z.string().nullable().openapi({ example: "looks like Sentry: use /webhook/sentry" }),
  repeats: z.number().int(),
  verification: z.enum(["verified", "unverified", "rejected"]),
  delivery_id: z.string().nullable(),
  url: z.string(),
  client_ip: z.string(),
  content_type: z.string().nullable(),
  size: z.number().int(),
  received_at: time,
  attempts: z.number().int(),
  error: z.string().nullable(),
  task_id: id.nullable(),
  subject: subjectRef.nullable().openapi({ description: "What it is about" }),
  role: subjectRole.nullable().openapi({ description: "What it does to its subject" }),
  replay_of: id.nullable(),
  released_at: timeOrNull.openapi({
    description: "When a person let it in that had been refused",
  }),
  edited: z.boolean().openapi({
    description: "A person has changed the body before it was replayed",
    example: false,
  }),
  dropped: z.boolean().openapi({
    description: "Its body and headers are older than BODY_RETENTION_DAYS, and gone",
    example: false,
  }),
}).openapi("Message");

export const wholeMessage = message.extend({
  method: z.string().optional().openapi({ description: "Where it was not POST" }),
  headers: z.record(z.string(), z.string()).openapi({ description: "Secrets are masked" }),
  payload_left_out: z.string().optional(),
  payload: z.unknown().openapi({
    description: 'Parsed; `{"raw_body": …}` when it is neither JSON nor a form',
  }),
}).openapi("WholeMessage");

export const replay = z.object({ message_id: id, replay_of: id }).openapi("Replay");

export const edit = z.strictObject({
  body: z.string().openapi({
    description: "The whole new body, as text; it need not be JSON",
    example: '{"action":"opened","issue":{"number":8}}',
  }),
}).openapi("Edit");

/** A message that was not replayed, and why. */
export const notReplayed = z.object({ message_id: id, code: z.string(), message: z.string() })
  .openapi("NotReplayed");

export const released = z.object({
  message_id: id,
  state: z.literal("new"),
  verification: z.enum(["verified", "unverified"]),
}).openapi("Released");

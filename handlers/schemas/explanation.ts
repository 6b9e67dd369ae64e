import { z } from "@hono/zod-openapi";
import { count, id, timeOrNull } from "./fields.ts";
import { subjectRole } from "./subject.ts";

export const explanation = z.object({
  webhook_type: z.string(),
  source: z.string(),
  label: z.string(),
  verdict: z.enum(["verified", "unverified", "rejected"]),
  scheme: z.string().nullable().openapi({ description: "What this sender proves itself by" }),
  why: z.string(),
  becomes: z.enum(["message", "handshake", "rejected"]),
  delivery_id: z.string().nullable().openapi({ description: "A second one of it is a repeat" }),
  repeat_of: id.nullable().openapi({ description: "The message that this delivery has become" }),
  hint: z.string().nullable(),
  event: z.string().nullable(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  link: z.string().nullable(),
  error: z.string().nullable().openapi({ description: "Why no task can be made of it" }),
  gate: z.object({
    paused_since: timeOrNull,
    address_allowed: z.boolean().nullable().openapi({
      description: "Null where it has no address",
    }),
    rate_limit: z.object({ requests: count, seconds: z.number() }).nullable(),
  }).openapi({ description: "What is asked before anything is read" }),
  filter: z.object({ passes: z.boolean(), reason: z.string().nullable() }),
  same_signed_as: id.nullable().openapi({
    description: "The first message with the same signed bytes: another makes no second task",
  }),
  merge: z.object({ key: z.string(), seconds: z.number() }).nullable()
    .openapi({
      description:
        "It waits for others with the same key, or about the same, and shares a task with them",
    }),
  subject: z.object({
    id: id.nullable().openapi({ description: "Null where it would be the first about it" }),
    key: z.string(),
    role: subjectRole,
    name: z.string().nullable(),
    link: z.string().nullable(),
    joins: id.nullable().openapi({ description: "The open task that it would go to" }),
    why: z.string().openapi({ description: "Why it would, or would not" }),
  }).nullable().openapi({ description: "What it is about, and what it does to it" }),
  route: z.object({ place: z.string(), thread_ts: z.string().nullable() }).nullable()
    .openapi({ description: "Where Slack would show the task: a channel, or `dm`" }),
  answer: z.object({
    status: z.number().int(),
    content_type: z.string().nullable(),
    body: z.string(),
  }).openapi({ description: "What the sender would hear" }),
}).openapi("Explanation");

export type Explanation = z.infer<typeof explanation>;

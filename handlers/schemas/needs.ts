import { z } from "@hono/zod-openapi";
import { count, id, time } from "./fields.ts";

const key = z.string().max(400).openapi({ description: "For POST /api/needs/seen" });

export const needs = z.object({
  count: count.openapi({ description: "What the bell says: what nobody has seen, up to 100" }),
  questions: z.array(z.object({
    task_id: id,
    webhook_type: z.string(),
    title: z.string(),
    question: z.string(),
    question_id: count,
    since: time,
    approvals: z.array(z.object({
      id,
      tool: z.string(),
      rule: z.string(),
      arguments: z.unknown().optional().openapi({
        description: "What the tool would be called with; left out where it is long",
      }),
    })),
  })),
  more_questions: count.openapi({ description: "How many more there are, up to 100 in all" }),
  silences: z.array(z.object({
    key,
    kind: z.enum(["sources", "everything", "holiday"]).openapi({
      description: "`holiday` is shown, and neither counted nor told",
    }),
    sources: z.array(z.string()),
    since: time,
    text: z.string(),
    latest: z.string(),
    seen: z.boolean(),
  })),
  troubles: z.array(z.object({
    key,
    kind: z.enum(["refused", "failed"]),
    source: z.string(),
    reason: z.string(),
    count,
    is_more: z.boolean().openapi({ description: "Whether there may be more than were counted" }),
    since: time,
    latest: z.string(),
    seen: z.boolean(),
    message_ids: z.array(id).openapi({ description: "The newest of them, 50 at most" }),
  })),
  notices: z.array(z.object({
    id,
    task_id: id.nullable(),
    message_id: id.nullable(),
    text: z.string(),
    created_at: time,
  })).openapi({
    description: "The newest. POST /api/notifications/{id}/read marks one as seen",
  }),
  more_notices: count.openapi({ description: "How many more there are, up to 100 in all" }),
}).openapi("Needs");

export const seen = z.strictObject({
  key: z.string().regex(/^(refused|failed|silent):[^\0]{1,380}$/, {
    error: "must be the key of a group, as GET /api/needs has it",
  }).openapi({ example: "refused:github:5d41402abc4b2a76b9719d911017c592" }),
  latest: z.string().max(40).refine(
    (text) => /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
    {
      error: "must be the time of the latest that was seen, as GET /api/needs has it",
    },
  ).openapi({ example: "2026-11-30T02:41:07.123456Z" }),
});

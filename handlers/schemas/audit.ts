import { z } from "@hono/zod-openapi";
import { ACT_OUTCOMES } from "../../lib/people/audit.ts";
import { count, id, time } from "./fields.ts";
import { since } from "./filter.ts";

export const auditEntry = z.object({
  id,
  at: time,
  who: z.string().openapi({ description: "The name that whoever acted had then" }),
  user_id: id.nullable().openapi({ description: "Who that is, where they are a person by name" }),
  proof: z.enum(["token", "session", "link", "local", "slack", "command", "none"]).openapi({
    description: "How they showed who they are; `local` is whoever sits at Otto's own machine",
  }),
  channel: z.enum(["page", "api", "slack", "command"]),
  client_ip: z.string().nullable(),
  act: z.string().openapi({ example: "release" }),
  thing: z.string().openapi({ example: "message" }),
  ids: z.array(z.string()).openapi({ description: "Of the things; names where they have no ids" }),
  detail: z.record(z.string(), z.unknown()),
  route: z.string().nullable().openapi({ example: "POST /api/messages/:id/release" }),
  outcome: z.enum(ACT_OUTCOMES).openapi({
    description: "`unknown` where Otto died, or lost its store, before it could say",
  }),
  status: count.nullable().openapi({ description: "What the request was answered with" }),
}).openapi("AuditEntry");

/** The filters of the audit log, in the API and in the URL of its page. */
export const auditFilter = z.object({
  who: z.string().trim().max(200).optional().openapi({
    description: "A user's id, or a part of the name that whoever acted had",
  }),
  act: z.string().max(64).optional().openapi({ example: "release" }),
  thing: z.string().trim().max(100).optional().openapi({
    description: "The id of a message, a task, a user …, or a source's name",
  }),
  outcome: z.enum(ACT_OUTCOMES).optional(),
  since,
  until: since.openapi({
    description: "Only what came before this: an ISO 8601 time, or how far back",
  }),
});

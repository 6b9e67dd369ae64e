import { z } from "@hono/zod-openapi";
import { NOTIFICATION_STATES } from "../../lib/notify/notification.ts";
import { idOf } from "./filter.ts";
import { id, time, timeOrNull } from "./fields.ts";

export const notification = z.object({
  id,
  task_id: id.nullable(),
  message_id: id.nullable(),
  channel: z.string().openapi({ example: "web" }),
  destination: z.string(),
  kind: z.string().openapi({ example: "completed" }),
  text: z.string(),
  state: z.enum(NOTIFICATION_STATES),
  attempts: z.number().int(),
  error: z.string().nullable(),
  created_at: time,
  sent_at: timeOrNull,
  read_at: timeOrNull,
}).openapi("Notification");

/** The filters of notifications. */
export const notificationFilter = z.object({
  unread: z.boolean().optional().openapi({
    description: "Only those in the web UI that nobody has read",
  }),
  channel: z.string().max(64).optional(),
  state: z.enum(NOTIFICATION_STATES).optional(),
  task_id: idOf("task"),
});

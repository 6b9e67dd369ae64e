import { z } from "@hono/zod-openapi";
import { id } from "./fields.ts";

export const user = z.object({
  id,
  email: z.string().openapi({ format: "email" }),
  name: z.string(),
  slack_id: z.string().nullable(),
  kind: z.enum(["system", "person"]),
}).openapi("User");

const userName = z.string().trim().min(1).max(200);

const slackId = z.string().regex(/^[UW][A-Z0-9]{2,30}$/, {
  error: 'must be a Slack user id, such as "U0123ABCD"',
});

export const newUser = z.strictObject({
  email: z.email().max(254).transform((email) => email.toLowerCase()),
  name: userName,
  slack_id: slackId.nullish(),
}).openapi("NewUser");

export const userChange = z.strictObject({
  name: userName.optional(),
  slack_id: slackId.nullable().optional(),
}).openapi("UserChange");

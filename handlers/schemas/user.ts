import { z } from "@hono/zod-openapi";
import { id, time, timeOrNull } from "./fields.ts";
import { isId } from "../../lib/store/id.ts";

export const user = z.object({
  id,
  email: z.string().openapi({ format: "email" }),
  name: z.string(),
  slack_id: z.string().nullable(),
  kind: z.enum(["system", "person"]),
}).openapi("User");

/** What cannot be seen and turns the text around it: in a name it makes another one of it. */
const UNSEEN = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;

const userName = z.string().overwrite((name) => name.replace(UNSEEN, "")).trim().min(1).max(200);

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

export const personToken = z.object({
  id,
  user_id: id,
  name: z.string().openapi({ description: "What it is for, in its owner's words" }),
  handle: z.string().openapi({
    description: "How it begins: good to tell it from others, and for nothing else",
    example: "otto_5f0c1d2e3a4b",
  }),
  role: z.enum(["admin", "reader"]),
  created_at: time,
  expires_at: timeOrNull,
  last_used_at: timeOrNull.openapi({ description: "To ten minutes" }),
}).openapi("PersonToken");

/** Longer than a rotation takes anywhere; without days it does not end by itself. */
const MOST_DAYS = 3_650;

export const newToken = z.strictObject({
  name: z.string().trim().min(1).max(100).openapi({ example: "laptop" }),
  role: z.enum(["admin", "reader"]).openapi({
    description: "An admin may do everything; a reader looks at everything and changes nothing",
  }),
  expires_in_days: z.number().int().min(1).max(MOST_DAYS).optional().openapi({
    description: "Without it the token does not end by itself",
  }),
}).openapi("NewPersonToken");

export const madeToken = personToken.extend({
  token: z.string().openapi({ description: "Shown this once: Otto keeps its hash alone" }),
}).openapi("MadePersonToken");

export const tokenParams = z.object({
  id: z.string().refine(isId, { error: "must be a user's id" })
    .openapi({ param: { name: "id", in: "path" }, format: "uuid" }),
  token: z.string().refine(isId, { error: "must be a token's id" })
    .openapi({ param: { name: "token", in: "path" }, format: "uuid" }),
});

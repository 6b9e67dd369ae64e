import { z } from "@hono/zod-openapi";
import { count, timeOrNull } from "./fields.ts";

export const sourceInfo = z.object({
  name: z.string().openapi({
    description:
      "Its one name: of a sender that Otto does not know the one in the URL, in lower case",
  }),
  label: z.string(),
  url: z.string().openapi({ description: "A path alone while PUBLIC_URL is not set" }),
  known: z.boolean().openapi({ description: "Whether Otto, or SOURCES_FILE, knows this sender" }),
  variable: z.string().nullable().openapi({ description: "Null where nothing can be verified" }),
  secrets: count,
  set: z.array(z.object({
    variable: z.string(),
    values: count,
    from: z.enum(["environment", "SECRETS_FILE"]),
  })).openapi({ description: "Which variables are set, and where: never what to" }),
  signatures: z.enum(["verified", "unverified", "refused"]).openapi({
    description: "How its messages are let in by what is set",
  }),
  state: z.enum(["verified", "unverified", "refused", "refusing"]).openapi({
    description: "The same, but for refusing: nothing but refused ones have come lately",
  }),
  refusing: z.object({ since: z.date(), code: z.string(), why: z.string() }).nullable(),
  paused_since: timeOrNull,
  turned_away: count.openapi({ description: "Webhooks answered with 503 since it was paused" }),
  last_24_hours: z.object({ taken: count, refused: count, failed: count }),
  refused_kept: count.openapi({ description: "Refused ones that are kept and can be released" }),
  last_message_id: z.string().nullable(),
  last_received_at: timeOrNull,
}).openapi("Source");

export const triedSecret = z.object({
  tried: count.openapi({ description: "The newest refused ones, 50 at most" }),
  opens: count.openapi({ description: "How many of them are signed with it" }),
  outside_window: count.openapi({
    description: "How many of these were too old, or of the future, when they came",
  }),
  untried: count.openapi({ description: "Bodies too large to keep, or five seconds were over" }),
  why: z.string().nullable().openapi({ description: "Of the newest one that it does not open" }),
}).openapi("TriedSecret");

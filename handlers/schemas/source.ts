import { z } from "@hono/zod-openapi";
import { count, timeOrNull } from "./fields.ts";

export const sourceInfo = z.object({
  name: z.string(),
  label: z.string(),
  url: z.string().openapi({ description: "A path alone while PUBLIC_URL is not set" }),
  variable: z.string().nullable().openapi({ description: "Null where nothing can be verified" }),
  secrets: count,
  signatures: z.enum(["verified", "unverified", "refused"]),
  paused_since: timeOrNull,
}).openapi("Source");

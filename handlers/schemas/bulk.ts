import { z } from "@hono/zod-openapi";
import { BULK_STATES, BULK_VERBS } from "../../lib/work/bulk/bulk_action.ts";
import { count, id, listOf, time, timeOrNull } from "./fields.ts";

/** An act on many things that is worked in the background, and how far it has come. */
export const bulkAction = z.object({
  id,
  action: z.enum(BULK_VERBS),
  state: z.enum(BULK_STATES).openapi({
    description: "`ready` waits for a person to start it; `cancelling` ends with the batch in hand",
  }),
  filter: z.record(z.string(), z.string()).openapi({
    description:
      "As it was asked for; texts of `q`, `body` and `header` are not kept. What matched is fixed",
  }),
  actor: z.string(),
  total: count,
  done: count,
  failed: count.openapi({ description: "Left as they are, for the reasons in `errors`" }),
  left: count,
  parts: z.array(z.object({ source: z.string(), webhook_type: z.string(), count })).openapi({
    description: "How many are meant of each source, the most first",
  }),
  errors: z.array(z.object({ code: z.string(), message: z.string(), count, ids: z.array(id) }))
    .openapi({ description: "The first reasons, each with some of the ids" }),
  created_at: time,
  started_at: timeOrNull,
  finished_at: timeOrNull,
}).openapi("BulkAction");

export const bulkActions = listOf(bulkAction);

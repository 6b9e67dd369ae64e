import { z } from "@hono/zod-openapi";
import type { TaskSearch } from "../../lib/task/search.ts";
import { TASK_PHASES } from "../../lib/message/search/phase.ts";
import { TASK_STATUSES } from "../../lib/task/task.ts";
import { batch, idOf, since, source, text, until } from "./filter.ts";

/** The filters of tasks, in the API and in the URL of their page. */
export const taskFilter = z.object({
  q: text("In the title and the description, or the beginning of a task's id"),
  status: z.enum(["open", ...TASK_STATUSES]).optional().openapi({
    description: "`open` is whatever has not ended",
  }),
  phase: z.enum(TASK_PHASES).optional(),
  source,
  assigned_to: idOf("user"),
  since,
  until,
  batch,
});

/** The filters as the store is asked for them. */
export function toTaskSearch({ q, ...same }: z.output<typeof taskFilter>): TaskSearch {
  return { ...same, text: q };
}

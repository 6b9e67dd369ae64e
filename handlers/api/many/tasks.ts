import { findTaskIds } from "../../../lib/task/search.ts";
import type { ActParts } from "../../../lib/work/bulk/acts.ts";
import { createApi } from "../../openapi.ts";
import { chosen } from "../../schemas/many.ts";
import { taskFilter, toTaskSearch } from "../../schemas/task_filter.ts";
import { actOnEach, type Finder, manyRoute } from "./many.ts";

/** `POST /api/tasks/retry|cancel`: what is done to one, done to many. */
export function manyTasks(parts: ActParts) {
  const { database } = parts.services;
  const which = chosen(taskFilter);
  const finder: Finder<Parameters<typeof toTaskSearch>[0]> = {
    database,
    find: (filter, most, before) =>
      findTaskIds(database, { ...toTaskSearch(filter), before }, most),
  };
  return createApi()
    .openapi(
      manyRoute("/api/tasks/retry", "retryTasks", {
        summary: "Start failed or cancelled tasks again",
        schema: which,
      }),
      (c) => actOnEach(c, { parts, action: "retry", chosen: c.req.valid("json"), finder }),
    )
    .openapi(
      manyRoute("/api/tasks/cancel", "cancelTasks", {
        summary: "Stop tasks that have not ended",
        schema: which,
      }),
      (c) => actOnEach(c, { parts, action: "cancel", chosen: c.req.valid("json"), finder }),
    );
}

import type { Services } from "../../../lib/services.ts";
import { findTaskIds } from "../../../lib/task/search.ts";
import { actorOf } from "../../acts.ts";
import { createApi } from "../../openapi.ts";
import { chosen } from "../../schemas/many.ts";
import { taskFilter, toTaskSearch } from "../../schemas/task_filter.ts";
import { cancel, retry } from "../tasks.ts";
import { actOnAll, idsOf, manyRoute, noteMany } from "./many.ts";

/** `POST /api/tasks/retry|cancel`: what is done to one, done to many. */
export function manyTasks({ services }: { services: Services }) {
  const { database } = services;
  const which = chosen(taskFilter);
  const find = (filter: Parameters<typeof toTaskSearch>[0], most: number) =>
    findTaskIds(database, toTaskSearch(filter), most);
  return createApi()
    .openapi(
      manyRoute("/api/tasks/retry", "retryTasks", {
        summary: "Start failed or cancelled tasks again",
        schema: which,
      }),
      async (c) => {
        const asked = c.req.valid("json");
        noteMany(c, { chosen: asked });
        const ids = await idsOf(asked, find);
        noteMany(c, { ids });
        const actor = actorOf(c);
        const acted = await actOnAll(ids, (id) => retry(services, { id, actor }));
        noteMany(c, { acted });
        return c.json(acted, 200);
      },
    )
    .openapi(
      manyRoute("/api/tasks/cancel", "cancelTasks", {
        summary: "Stop tasks that have not ended",
        schema: which,
      }),
      async (c) => {
        const asked = c.req.valid("json");
        noteMany(c, { chosen: asked });
        const ids = await idsOf(asked, find);
        noteMany(c, { ids });
        const actor = actorOf(c);
        const acted = await actOnAll(ids, (id) => cancel(database, { id, actor }));
        noteMany(c, { acted });
        return c.json(acted, 200);
      },
    );
}

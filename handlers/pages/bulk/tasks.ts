import { Hono } from "hono";
import { isId } from "../../../lib/store/id.ts";
import { findTaskIds } from "../../../lib/task/search.ts";
import { findTasks, type Task, type TaskStatus } from "../../../lib/task/task.ts";
import type { ActParts } from "../../../lib/work/bulk/acts.ts";
import { createNames } from "../../../sources/rules/names.ts";
import { actorOf, noteAct } from "../../acts.ts";
import { actOnAll, noteMany } from "../../api/many/many.ts";
import type { Env } from "../../caller.ts";
import { Problem } from "../../problem.ts";
import { MOST_AT_ONCE } from "../../schemas/many.ts";
import { taskFilter, toTaskSearch } from "../../schemas/task_filter.ts";
import { type ManyChoice, manyDonePage, manyPage } from "../../views/bulk/many.ts";
import { linkTo } from "../../views/parts/filters.ts";
import { asked, oneOf, queryOf, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";

/** `/tasks/many`: what is to be done to tasks that were chosen, or to all that match, and its result. */
export function manyTaskPages(parts: ActParts): Hono<Env> {
  const { database, sources } = parts.services;
  const nameOf = createNames(sources);
  const app = new Hono<Env>();

  app.get("/tasks/many", async (c) => {
    const frame = await readFrame(c, database, "tasks");
    const chosen = (c.req.queries("id") ?? []).filter((id) => isId(id)).slice(0, MOST_AT_ONCE);
    const { before: _, ...filter } = queryOf(taskFilter, (name) => asked(c, name));
    const isFiltered = chosen.length === 0 && Object.keys(filter).length > 0;
    const found = isFiltered
      ? await findTaskIds(database, toTaskSearch(taskFilter.parse(filter)), MOST_AT_ONCE)
      : { ids: chosen };
    const tasks = found.ids.length > 0 ? await findTasks(database, found.ids) : [];
    const isMore = "next" in found && found.next !== undefined;
    if (tasks.length === 0 && !isMore) throw nothingChosen();
    return c.html(manyPage({
      frame,
      thing: "task",
      rows: tasks.map((task) => ({ name: nameOf(task), phase: task.phase })),
      choices: choicesFor(tasks),
      all: isMore ? { filter, actions: ["retry", "cancel"] } : undefined,
      back: linkTo("/tasks", filter),
    }));
  });

  app.post("/tasks/many/:action", async (c) => {
    const action = oneOf(c.req.param("action"), ["retry", "cancel"] as const);
    const ids = ((await readForm(c.req.raw)).get("ids") ?? "").split(",").filter((id) => isId(id));
    if (!action || ids.length === 0 || ids.length > MOST_AT_ONCE) throw nothingChosen();
    noteAct(c, { act: action, thing: "task" });
    noteMany(c, { ids });
    const acted = await actOnAll(parts, action, { ids, actor: actorOf(c) });
    noteMany(c, { acted });
    const frame = await readFrame(c, database, "tasks");
    return c.html(manyDonePage({ frame, action, acted, back: "task" }));
  });
  return app;
}

/** Each action has those that it is good for. */
function choicesFor(tasks: readonly Task[]): ManyChoice[] {
  const idsOf = (isFit: (status: TaskStatus) => boolean) =>
    tasks.filter(({ status }) => isFit(status)).map(({ id }) => id);
  const isOver = (status: TaskStatus) => ["completed", "failed", "cancelled"].includes(status);
  const retried = idsOf((status) => status === "failed" || status === "cancelled");
  const isAnyCancelled = tasks.some(({ status }) => status === "cancelled");
  const all: ManyChoice[] = [
    {
      action: "retry",
      ids: retried,
      label: isAnyCancelled
        ? `Retry ${retried.length.toLocaleString("en")} failed or cancelled`
        : undefined,
    },
    { action: "cancel", ids: idsOf((status) => !isOver(status)) },
  ];
  return all.filter(({ ids }) => ids.length > 0);
}

function nothingChosen(): Problem {
  return new Problem(
    400,
    "nothing_chosen",
    "No task is chosen, or none matches",
    "Check the boxes of some in the list, or choose other filters",
  );
}

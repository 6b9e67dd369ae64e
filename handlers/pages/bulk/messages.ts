import { Hono } from "hono";
import { findMessages, type Message } from "../../../lib/message/message.ts";
import { findMessageIds } from "../../../lib/message/search/search.ts";
import { findTasks } from "../../../lib/task/task.ts";
import { isId } from "../../../lib/store/id.ts";
import type { FoundIds } from "../../../lib/store/walk.ts";
import { createNames } from "../../../sources/rules/names.ts";
import { type Acted, actOnAll, noteMany } from "../../api/many/many.ts";
import { actorOf, noteAct } from "../../acts.ts";
import { MESSAGE_ACTIONS } from "../../api/many/messages.ts";
import type { ActParts } from "../../../lib/work/bulk/acts.ts";
import type { Env } from "../../caller.ts";
import { maskedIn } from "../../masked.ts";
import { Problem } from "../../problem.ts";
import { MOST_AT_ONCE } from "../../schemas/many.ts";
import { linkTo } from "../../views/parts/filters.ts";
import { type AllChoice, type ManyChoice, manyDonePage, manyPage } from "../../views/bulk/many.ts";
import { asked, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import { messageQueryOf, messageSearchOf } from "../message/query.ts";

/** Of those that were let in; the list has them all. */
const MOST_SHOWN = 20;

type Action = "release" | "replay" | "retry" | "delete";

const ACTIONS: Record<
  Action,
  (parts: ActParts, ids: readonly string[], actor: string) => Promise<Acted>
> = {
  ...MESSAGE_ACTIONS,
  retry: (parts, ids, actor) => actOnAll(parts, "retry", { ids, actor }),
};

/** `/messages/many`: what is to be done to those that were chosen, or to all that match, and its result. */
export function manyMessagePages(parts: ActParts): Hono<Env> {
  const { database, sources } = parts.services;
  const nameOf = createNames(sources);
  const app = new Hono<Env>();

  app.get("/messages/many", async (c) => {
    const frame = await readFrame(c, database, "messages");
    const ids = (c.req.queries("id") ?? []).filter((id) => isId(id)).slice(0, MOST_AT_ONCE);
    const query = messageQueryOf((name) => asked(c, name));
    // The page that a list began at says nothing of what is meant.
    const { before: _, ...filters } = query;
    const found: FoundIds = ids.length > 0 || Object.keys(filters).length === 0
      ? { ids }
      : await findMessageIds(database, { ...messageSearchOf(filters), ...maskedIn(sources) }, {
        most: MOST_AT_ONCE,
      });
    const messages = await findMessages(database, found.ids);
    if (messages.length === 0 && found.next === undefined) throw nothingChosen();
    return c.html(manyPage({
      frame,
      thing: "message",
      rows: messages.map((message) => ({ name: nameOf(message), phase: message.phase })),
      choices: await choicesFor(parts, messages),
      all: found.next === undefined ? undefined : allOf({ ...filters }),
      back: linkTo("/messages", { ...query }),
    }));
  });

  app.post("/messages/many/:action", async (c) => {
    const action = c.req.param("action") as Action;
    if (!Object.hasOwn(ACTIONS, action)) throw nothingChosen();
    const ids = ((await readForm(c.req.raw)).get("ids") ?? "").split(",").filter((id) => isId(id));
    if (ids.length === 0 || ids.length > MOST_AT_ONCE) throw nothingChosen();
    noteAct(c, { act: action, thing: action === "retry" ? "task" : "message" });
    noteMany(c, { ids });
    const acted = await ACTIONS[action](parts, ids, actorOf(c));
    noteMany(c, { acted });
    if (action === "replay" && acted.done > 0) {
      const made = acted.ids.toSorted();
      return c.redirect(
        linkTo("/messages/replays", {
          from: made[0],
          to: made.at(-1),
          asked: String(ids.length),
          unfit: String(acted.refused.length),
        }),
        303,
      );
    }
    const frame = await readFrame(c, database, "messages");
    const left = new Set(acted.refused.map(({ id }) => id));
    const shown = ids.filter((id) => !left.has(id)).slice(0, MOST_SHOWN);
    const rows = action === "release" ? await findMessages(database, shown) : [];
    return c.html(manyDonePage({
      frame,
      action,
      acted,
      rows: rows.map((each) => ({
        id: each.message_id,
        title: each.title ?? each.event ?? "Not worked yet",
        name: nameOf(each),
        phase: each.phase,
      })),
      back: "message",
    }));
  });
  return app;
}

/** What can be done to them: each action has those that it is good for. */
async function choicesFor(
  { services: { database } }: ActParts,
  messages: readonly Message[],
): Promise<ManyChoice[]> {
  const idsOf = (some: readonly Message[]) => some.map(({ message_id }) => message_id);
  const [refused, taken] = [true, false].map((isRefused) =>
    messages.filter(({ phase }) => (phase === "refused") === isRefused)
  );
  const taskIds = taken.filter(({ phase }) => phase === "failed")
    .map(({ task_id }) => task_id).filter((id) => id !== null);
  const failed = taskIds.length > 0
    ? (await findTasks(database, [...new Set(taskIds)])).map(({ id }) => id)
    : [];
  const all: ManyChoice[] = [
    { action: "release", ids: idsOf(refused) },
    { action: "retry", ids: failed },
    { action: "replay", ids: idsOf(taken.filter(({ dropped }) => !dropped)) },
    { action: "delete", ids: idsOf(messages) },
  ];
  return all.filter(({ ids }) => ids.length > 0);
}

/** What can be done to more than a thousand, by where they stand. */
function allOf(filter: Record<string, string>): AllChoice {
  const { phase } = filter;
  const isOpen = phase === undefined;
  return {
    filter,
    actions: [
      ...isOpen || phase === "refused" ? ["release"] as const : [],
      ...isOpen || phase === "failed" ? ["retry"] as const : [],
      ...phase === "refused" ? [] : ["replay"] as const,
      "delete",
    ],
  };
}

function nothingChosen(): Problem {
  return new Problem(
    400,
    "nothing_chosen",
    "No message is chosen, or none matches",
    "Check the boxes of some in the list, or choose other filters",
  );
}

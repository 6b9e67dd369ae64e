import { Hono } from "hono";
import { html } from "hono/html";
import { findMessages, type Message } from "../../../lib/message/message.ts";
import { findMessageIds } from "../../../lib/message/search/search.ts";
import { findTasks } from "../../../lib/task/task.ts";
import { isId } from "../../../lib/store/id.ts";
import type { FoundIds } from "../../../lib/store/walk.ts";
import { createNames } from "../../../sources/rules/names.ts";
import { type Acted, actOnAll } from "../../api/many/many.ts";
import { type ManyParts, MESSAGE_ACTIONS } from "../../api/many/messages.ts";
import { retry } from "../../api/tasks.ts";
import type { Env } from "../../caller.ts";
import { maskedIn } from "../../masked.ts";
import { Problem } from "../../problem.ts";
import { MOST_AT_ONCE } from "../../schemas/many.ts";
import { linkTo } from "../../views/parts/filters.ts";
import { type ManyChoice, manyDonePage, manyPage } from "../../views/message/many.ts";
import { exact } from "../../views/parts/time.ts";
import { asked, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import { isRefused } from "./replays.ts";
import { messageQueryOf, messageSearchOf } from "./query.ts";

const ACTIONS: Record<
  ManyChoice["action"],
  (parts: ManyParts, ids: readonly string[]) => Promise<Acted>
> = {
  ...MESSAGE_ACTIONS,
  retry: ({ services }, ids) => actOnAll(ids, (id) => retry(services, id)),
};

/** `/messages/many`: what is to be done to those that were chosen, or to all that match, and its result. */
export function manyPages(parts: ManyParts): Hono<Env> {
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
    if (messages.length === 0) throw nothingChosen();
    return c.html(manyPage({
      frame,
      messages,
      choices: await choicesFor(parts, messages),
      more: moreThan(found, { ...filters }),
      back: linkTo("/messages", { ...query }),
      nameOf,
    }));
  });

  app.post("/messages/many/:action", async (c) => {
    const action = c.req.param("action") as ManyChoice["action"];
    if (!Object.hasOwn(ACTIONS, action)) throw nothingChosen();
    const ids = ((await readForm(c.req.raw)).get("ids") ?? "").split(",").filter((id) => isId(id));
    if (ids.length === 0 || ids.length > MOST_AT_ONCE) throw nothingChosen();
    const acted = await ACTIONS[action](parts, ids);
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
    return c.html(manyDonePage({ frame, action, acted }));
  });
  return app;
}

/** What can be done to them: each action has those that it is good for. */
async function choicesFor(
  { services: { database } }: ManyParts,
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

function moreThan({ ids, next, stopped }: FoundIds, filters: Record<string, string | undefined>) {
  return stopped
    ? `Older ones may match too: Otto has looked through ${
      stopped.looked.toLocaleString("en")
    } messages, to ${exact(stopped.to)}.`
    : next && isRefused(filters)
    ? `These are the newest ${
      ids.length.toLocaleString("en")
    } that match: when they are done, ask for the rest.`
    : next
    ? html`These are the newest ${ids.length.toLocaleString("en")} that match: when they are done,
      ask for the rest. Or <a href="${linkTo("/messages/replay", filters)}">replay more at
      once</a>.`
    : "";
}

function nothingChosen(): Problem {
  return new Problem(
    400,
    "nothing_chosen",
    "No message is chosen, or none matches",
    "Check the boxes of some in the list, or choose other filters",
  );
}

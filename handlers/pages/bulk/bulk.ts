import { Hono } from "hono";
import { findMessageIds } from "../../../lib/message/search/search.ts";
import type { Services } from "../../../lib/services.ts";
import { isId } from "../../../lib/store/id.ts";
import { findTaskIds } from "../../../lib/task/search.ts";
import {
  BULK_THINGS,
  BULK_VERBS,
  listBulkActions,
  startBulkAction,
} from "../../../lib/work/bulk/bulk_action.ts";
import { type BulkQuestion, fixRows } from "../../../lib/work/bulk/fix_rows.ts";
import { createNames } from "../../../sources/rules/names.ts";
import { endBulkAction, requireBulkAction } from "../../api/many/bulk.ts";
import { actorOf, noteAct, recordedActor } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { maskedIn } from "../../masked.ts";
import { Problem } from "../../problem.ts";
import { filterWords } from "../../schemas/filter_words.ts";
import { taskFilter, toTaskSearch } from "../../schemas/task_filter.ts";
import { bulkList } from "../../views/bulk/list.ts";
import { bulkPage } from "../../views/bulk/page.ts";
import { asked, oneOf, queryOf, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import { messageQueryOf, messageSearchOf } from "../message/query.ts";

const MOST_ROWS = 50;
/** Longer than a page looks into bodies. */
const MOST_BODY_MS = 2_000;

/** `/bulk`: what is to be done to all that match, asked, started, watched and cancelled. */
export function bulkPages({ services }: { services: Services }): Hono<Env> {
  const { database, sources } = services;
  const nameOf = createNames(sources);
  const app = new Hono<Env>();

  app.get("/bulk", async (c) => {
    const frame = await readFrame(c, database, "messages");
    const before = asked(c, "before");
    const items = await listBulkActions(database, {
      limit: MOST_ROWS,
      before: before && isId(before) ? before : null,
    });
    const next = items.length === MOST_ROWS ? items.at(-1)!.id : undefined;
    return c.html(bulkList({ frame, items, next, nameOf }));
  });

  app.post("/bulk", async (c) => {
    const form = await readForm(c.req.raw);
    const question = { ...questionOf(services, form), actor: actorOf(c) };
    const { id, total } = await fixRows(database, question);
    const { action, filter } = question;
    noteAct(c, { act: "prepare", ids: [id], detail: { action, filter, count: total } });
    return c.redirect(`/bulk/${id}`, 303);
  });

  app.get("/bulk/:id", async (c) => {
    const bulk = await requireBulkAction(database, idOf(c.req.param("id")));
    const place = BULK_THINGS[bulk.action] === "task" ? "tasks" : "messages";
    const frame = await readFrame(c, database, place);
    return c.html(bulkPage({ frame, bulk, nameOf }));
  });

  app.post("/bulk/:id/start", async (c) => {
    const id = idOf(c.req.param("id"));
    const startedBy = recordedActor(c);
    const isStarted = await startBulkAction(database, { id, actor: actorOf(c), startedBy });
    const { action, state, filter, total } = await requireBulkAction(database, id);
    if (isStarted) {
      noteAct(c, { act: action, thing: BULK_THINGS[action], detail: { filter, count: total } });
    } // Else it is a second press of the button.
    else if (state === "cancelled") throw tooLate();
    return c.redirect(`/bulk/${id}`, 303);
  });

  app.post("/bulk/:id/cancel", async (c) => {
    const id = idOf(c.req.param("id"));
    await endBulkAction(database, id);
    return c.redirect(`/bulk/${id}`, 303);
  });
  return app;
}

function idOf(text: string): string {
  return isId(text) ? text.toLowerCase() : "00000000-0000-0000-0000-000000000000";
}

/** What a form asks to do to all messages or tasks that match its filters. */
function questionOf(
  { database, sources }: Services,
  form: URLSearchParams,
): Omit<BulkQuestion, "actor"> {
  const action = oneOf(form.get("action") ?? undefined, BULK_VERBS);
  const of = oneOf(form.get("of") ?? undefined, ["messages", "tasks"] as const);
  const value = (name: string) => form.get(name) ?? undefined;
  const { before: _, ...filter } = of === "messages"
    ? messageQueryOf(value)
    : queryOf(taskFilter, value);
  if (!action || !of || Object.keys(filter).length === 0) throw nothingAsked();
  const common = { action, filter: filterWords(filter) };
  if (of === "tasks") {
    if (BULK_THINGS[action] !== "task") throw nothingAsked();
    const search = toTaskSearch(taskFilter.parse(filter));
    return {
      ...common,
      find: (most, before) => findTaskIds(database, { ...search, before }, most),
    };
  }
  const isRetry = action === "retry";
  if (BULK_THINGS[action] !== "message" && !isRetry) throw nothingAsked();
  const search = { ...messageSearchOf(filter), ...maskedIn(sources) };
  if (action === "release") search.phase ??= "refused";
  if (isRetry) search.phase ??= "failed";
  return {
    ...common,
    meansTasks: isRetry,
    find: (most, before) =>
      findMessageIds(database, { ...search, before }, {
        most,
        redeliverable: action === "replay",
        bodyMs: MOST_BODY_MS,
      }),
  };
}

function nothingAsked(): Problem {
  return new Problem(
    400,
    "bad_request",
    "The form does not say what to do to which",
    "Begin at Messages or Tasks: choose filters, then “All that match…”",
  );
}

function tooLate(): Problem {
  return new Problem(
    409,
    "wrong_state",
    "It was cancelled, or nobody has started it for an hour",
    "Nothing was changed. Begin at the list again",
  );
}

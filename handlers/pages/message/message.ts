import { type Context, Hono } from "hono";
import { countSharing } from "../../../lib/message/group/group.ts";
import { deleteMessage } from "../../../lib/message/delete.ts";
import { findMessages, readPassage, type WholeMessage } from "../../../lib/message/message.ts";
import { readSubjectOf } from "../../../lib/message/subject/subject.ts";
import { searchMessages } from "../../../lib/message/search/search.ts";
import type { Services } from "../../../lib/services.ts";
import { listTaskEvents } from "../../../lib/task/task.ts";
import type { Env } from "../../caller.ts";
import { notFound } from "../../problem.ts";
import { shownMessage } from "../../shown_message.ts";
import { requireMessage } from "../../require_message.ts";
import type { Redeliverer } from "../../webhook/redeliver.ts";
import { createNames, listChoices } from "../../../sources/rules/names.ts";
import { confirmPage, type Question } from "../../views/parts/confirm.ts";
import { messageList } from "../../views/message/list.ts";
import { messagePage } from "../../views/message/page.ts";
import { asked } from "../form.ts";
import { readFrame } from "../frame.ts";
import { messageQueryOf, messageSearchOf } from "./query.ts";
import { readRows, type RowParts } from "../rows.ts";

/** As many as the live page shows. */
const MOST_ROWS = 50;
/** Of these replays a message's page tells. */
const MOST_REPLAYS = 20;

/** `/messages`, a message's page, and its buttons. */
export function messagePages(
  { services, redeliverer }: { services: Services; redeliverer: Redeliverer },
): Hono<Env> {
  const { database, sources } = services;
  const parts = { database, nameOf: createNames(sources), reader: services.reader };
  const app = new Hono<Env>();
  const requireIts = (c: Context<Env>) => requireMessage(database, c.req.param("id"));

  app.get("/messages", async (c) => {
    const frame = await readFrame(c, database, "messages");
    const query = messageQueryOf((name) => asked(c, name));
    const { items, ...more } = await searchMessages(database, {
      ...messageSearchOf(query),
      hidden: sources.redacted,
    }, {
      limit: MOST_ROWS,
      sources: Object.keys(sources.all),
    });
    const rows = await readRows(parts, items);
    return c.html(messageList({ frame, rows, query, sources: listChoices(sources), ...more }));
  });

  app.get("/messages/:id", async (c) => {
    const whole = shownMessage(sources, await requireIts(c));
    const frame = await readFrame(c, database, "messages");
    const from = sources.find(whole.webhook_type);
    return c.html(messagePage({ frame, from, whole, ...await readAround(parts, whole) }));
  });

  app.post("/messages/:id/replay", async (c) => {
    const { message_id } = await requireIts(c);
    const made = await redeliverer.redeliverOne(message_id);
    if (!made) throw notFound("message");
    return c.redirect(`/messages/${made.message_id}`, 303);
  });

  app.get("/messages/:id/delete", async (c) => {
    const message = await requireIts(c);
    const sharing = await countSharing(database, message.message_id);
    const frame = await readFrame(c, database, "messages");
    return c.html(confirmPage(frame, question(message, sharing)));
  });

  app.post("/messages/:id/delete", async (c) => {
    const { message_id } = await requireIts(c);
    if (!await deleteMessage(database, message_id)) throw notFound("message");
    return c.redirect("/messages", 303);
  });
  return app;
}

/** What a message's page shows beside the message itself. */
async function readAround(parts: RowParts, { message_id: id, task_id }: WholeMessage) {
  const { database } = parts;
  // Read like a row, so that whatever is said here is said there, too.
  const [[row], passage, events, { items: replays, next }, subject] = await Promise.all([
    findMessages(database, [id]).then((found) => readRows(parts, found)),
    readPassage(database, id),
    task_id ? listTaskEvents(database, task_id) : [],
    searchMessages(database, { replay_of: id }, { limit: MOST_REPLAYS, sources: [] }),
    readSubjectOf(database, { table: "messages", id }),
  ]);
  if (!row) throw notFound("message");
  return { row, subject, passage, events, replays, hasMoreReplays: next !== undefined };
}

/** What a person is asked before a message is deleted, which `sharing` more share the task with. */
function question(
  { message_id: id, title, webhook_type }: WholeMessage,
  sharing: number,
): Question {
  return {
    title: "Delete this message?",
    text: `“${title ?? `${webhook_type} webhook`}” goes for good, and with it its task and ` +
      "everything that was told about it. The sender's next repeat of it is taken as new." +
      (sharing > 0
        ? ` It shares the task with ${sharing.toLocaleString("en")} more, which stay without ` +
          "one and can be replayed."
        : ""),
    action: `/messages/${id}/delete`,
    label: "Delete",
    danger: true,
    back: `/messages/${id}`,
  };
}

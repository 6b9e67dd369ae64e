import { type Context, Hono } from "hono";
import { countSharing } from "../../../lib/message/group/group.ts";
import { deleteMessage } from "../../../lib/message/delete.ts";
import { type Message, readMessage, type WholeMessage } from "../../../lib/message/message.ts";
import {
  countMessages,
  findMessageIds,
  searchMessages,
} from "../../../lib/message/search/search.ts";
import { isId } from "../../../lib/store/id.ts";
import type { SourceInfos } from "../../../lib/monitor/sources.ts";
import { detach } from "../../api/detach.ts";
import { actorOf, noteAct } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { maskedIn } from "../../masked.ts";
import { notFound } from "../../problem.ts";
import { requireMessage } from "../../../lib/work/verify/require_message.ts";
import type { Redeliverer } from "../../../lib/work/verify/redeliver.ts";
import { createNames, listChoices } from "../../../sources/rules/names.ts";
import { confirmPage, type Question } from "../../views/parts/confirm.ts";
import { messageList } from "../../views/message/list.ts";
import type { MessageQuery } from "../../views/message/query.ts";
import type { OpenedMessage } from "../../views/message/pane.ts";
import { messagePage } from "../../views/message/page.ts";
import { asked, requireKnown } from "../form.ts";
import { groupIn, readGroups } from "../group.ts";
import { readFrame } from "../frame.ts";
import { messageQueryOf, messageSearchOf } from "./query.ts";
import { readRows } from "../rows.ts";
import { readShown, type ShownParts } from "./shown.ts";
import type { Frame } from "../../views/page.ts";

/** As many as the live page shows. */
const MOST_ROWS = 50;

/** `/messages`, a message's page, and its buttons. */
export function messagePages(
  parts: ShownParts & { redeliverer: Redeliverer; sourceInfos: SourceInfos },
): Hono<Env> {
  const { services, redeliverer } = parts;
  const { database, sources } = services;
  const rowParts = { database, nameOf: createNames(sources), reader: services.reader };
  const app = new Hono<Env>();
  const requireIts = (c: Context<Env>) => requireMessage(database, c.req.param("id"));

  app.get("/messages", async (c) => {
    const frame = await readFrame(c, database, "messages");
    const group = groupIn(c);
    const query: MessageQuery = { ...messageQueryOf((name) => asked(c, name)), ...group };
    requireKnown(c, { ...query });
    const search = { ...messageSearchOf(query), ...group, ...maskedIn(sources) };
    const open = asked(c, "open");
    const isOpen = open !== undefined && isId(open);
    const [{ items, next, stopped }, counted] = await Promise.all([
      searchMessages(database, search, { limit: MOST_ROWS, sources: Object.keys(sources.all) }),
      // Of all that match, whichever page of them this is.
      isOpen ? undefined : countMessages(database, { ...search, before: undefined }),
    ]);
    const opened = isOpen
      ? await readOpened(parts, open, { frame, tab: asked(c, "tab"), query, items, next })
      : undefined;
    const [rows, subjects] = await Promise.all([
      readRows(rowParts, items),
      readGroups(database, items, query),
    ]);
    const choices = listChoices(sources, await parts.sourceInfos.seen());
    return c.html(
      messageList({
        frame,
        rows,
        query,
        subjects,
        sources: choices,
        counted,
        next,
        stopped,
        unread: search.body || search.header ? search.hidden ?? [] : [],
        opened,
      }),
    );
  });

  app.get("/messages/:id", async (c) => {
    const kept = await requireIts(c);
    const frame = await readFrame(c, database, "messages");
    const shown = await readShown(parts, kept, { frame, tab: asked(c, "tab") });
    const query = messageQueryOf((name) => asked(c, name));
    return c.html(messagePage({ frame, shown, query }));
  });

  app.get("/messages/:id/replay", async (c) => {
    const message = await requireIts(c);
    const frame = await readFrame(c, database, "messages");
    return c.html(confirmPage(frame, replayQuestion(message)));
  });

  app.post("/messages/:id/replay", async (c) => {
    const { message_id } = await requireIts(c);
    const made = await redeliverer.redeliverOne(message_id);
    if (!made) throw notFound("message");
    noteAct(c, { ids: [made.message_id] });
    return c.redirect(`/messages/${made.message_id}`, 303);
  });

  app.post("/messages/:id/detach", async (c) => {
    const { message_id: id } = await requireIts(c);
    const taskId = await detach(services, { id, actor: actorOf(c) });
    noteAct(c, { detail: { task_id: taskId } });
    return c.redirect(`/tasks/${taskId}`, 303);
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

/** The message that is open beside the list, and those before and after it. */
async function readOpened(
  parts: ShownParts,
  id: string,
  { frame, tab, query, items, next }: {
    frame: Frame;
    tab: string | undefined;
    query: MessageQuery;
    items: readonly Message[];
    next: string | undefined;
  },
): Promise<OpenedMessage> {
  const { database, sources } = parts.services;
  const kept = await readMessage(database, id);
  const its = kept?.message_id ?? id;
  const { before } = query;
  const newer = items.findLast(({ message_id }) => message_id > its);
  const older = items.find(({ message_id }) => message_id < its);
  // The last one of a page: the next page begins with the one after it.
  const found = older || !next ? undefined : await findMessageIds(database, {
    ...messageSearchOf({ ...query, before: next }),
    ...(query.group && { group: query.group }),
    ...maskedIn(sources),
  }, { most: 1 });
  return {
    id: its,
    shown: kept && await readShown(parts, kept, { tab, frame }),
    newer: newer && { id: newer.message_id, before },
    older: older
      ? { id: older.message_id, before }
      : found?.ids[0]
      ? { id: found.ids[0], before: next }
      : undefined,
  };
}

/** What a person is asked before a message is worked again. */
function replayQuestion({ message_id: id, title, webhook_type }: WholeMessage): Question {
  return {
    title: "Replay this message?",
    text:
      `“${title ?? `${webhook_type} webhook`}” becomes a new message with the same bytes, and is ` +
      "worked again from the beginning: an agent may act, and people may be told once more.",
    action: `/messages/${id}/replay`,
    label: "Replay",
    back: `/messages/${id}`,
  };
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

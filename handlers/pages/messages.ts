import { Hono } from "hono";
import { countSharing } from "../../lib/message/group.ts";
import { isId } from "../../lib/store/id.ts";
import {
  deleteMessage,
  findMessages,
  MESSAGE_STATES,
  type RedeliverOptions,
} from "../../lib/message/message.ts";
import {
  findRedeliverable,
  type MessageSearch,
  readPassage,
  searchMessages,
} from "../../lib/message/search.ts";
import { countRedelivered, findRedelivered } from "../../lib/message/redeliver.ts";
import type { Services } from "../../lib/services.ts";
import { listTaskEvents } from "../../lib/task/task.ts";
import type { Env } from "../caller.ts";
import { asked, batchOf, oneOf, readForm } from "./form.ts";
import { readFrame } from "./frame.ts";
import { readRows } from "./rows.ts";
import { notFound, Problem } from "../problem.ts";
import type { Redeliverer } from "../webhook/redeliver.ts";
import { requireMessage } from "../require_message.ts";
import { createNames, listChoices } from "../../sources/rules/names.ts";
import { confirmPage } from "../views/parts/confirm.ts";
import { linkTo, SINCE } from "../views/parts/filters.ts";
import { messageList, type MessageQuery } from "../views/message/list.ts";
import { messagePage } from "../views/message/page.ts";
import { redeliveryProgress } from "../views/message/redelivery_progress.ts";

const MOST_ROWS = 50;
const MOST_REPLAYS = 10_000;
const REPLAYS_AT_ONCE = 200;

/** `/messages` and what can be done there. */
export function messagePages(
  { services, redeliverer }: { services: Services; redeliverer: Redeliverer },
): Hono<Env> {
  const { database, sources } = services;
  const parts = { database, nameOf: createNames(sources) };
  const names = Object.keys(sources.all);
  const app = new Hono<Env>();

  app.get("/messages", async (c) => {
    const frame = await readFrame(c, database, "messages");
    const query = queryOf((name) => asked(c, name));
    const { items, next, stopped } = await searchMessages(database, searchOf(query), {
      limit: MOST_ROWS,
      sources: names,
    });
    const rows = await readRows(parts, items);
    const choices = listChoices(sources);
    return c.html(messageList({ frame, rows, query, sources: choices, next, stopped }));
  });

  app.get("/messages/replay", async (c) => {
    const frame = await readFrame(c, database, "messages");
    const query = queryOf((name) => asked(c, name));
    const ids = await findRedeliverable(database, searchOf(query), { most: MOST_REPLAYS + 1 });
    const back = linkTo("/messages", { ...query });
    if (ids.length === 0) {
      throw nothingToReplay();
    }
    const count = Math.min(ids.length, MOST_REPLAYS).toLocaleString("en");
    const words = Object.entries(query).map(([name, value]) => `${WORDS[name]}: ${value}`);
    return c.html(confirmPage({
      frame,
      title: `Replay ${count} message${ids.length === 1 ? "" : "s"}?`,
      text:
        `${
          words.length > 0 ? `Chosen by ${words.join(", ")}. ` : ""
        }Each becomes a new message with the same ` +
        `bytes, and is worked again from the beginning: agents may act, and people may be told ` +
        `once more.${ids.length > MOST_REPLAYS ? ` These are the newest ${count}.` : ""}`,
      action: "/messages/replay",
      label: `Replay ${count}`,
      back,
      fields: { ...query, newest: ids[0] },
    }));
  });

  app.post("/messages/replay", async (c) => {
    const form = await readForm(c.req.raw);
    const search = searchOf(queryOf((name) => form.get(name) ?? undefined));
    const newest = form.get("newest") ?? "";
    if (!isId(newest)) throw badForm();
    const ids = await findRedeliverable(database, search, { most: MOST_REPLAYS, upTo: newest });
    if (ids.length === 0) throw nothingToReplay();
    const made: RedeliverOptions[] = [];
    let unfit = 0;
    // Oldest first, as they came. What was made stays, whatever happens to the rest.
    for (let end = ids.length; end > 0; end -= REPLAYS_AT_ONCE) {
      const some = ids.slice(Math.max(0, end - REPLAYS_AT_ONCE), end).reverse();
      try {
        const { items, refused } = await redeliverer.redeliverAll(some);
        made.push(...items);
        unfit += refused.length;
      } catch (error) {
        if (made.length === 0) throw error;
        break;
      }
    }
    if (made.length === 0) {
      throw new Problem(
        409,
        "nothing_replayed",
        `None of ${ids.length} messages was replayed: they would be refused today`,
        "Replay one of them alone to read why",
      );
    }
    const [from, to] = rangeOf(made.map(({ message_id }) => message_id));
    return c.redirect(
      linkTo("/messages/replays", { from, to, asked: String(ids.length), unfit: String(unfit) }),
      303,
    );
  });

  app.get("/messages/replays", async (c) => {
    const [from = "", to = ""] = [asked(c, "from"), asked(c, "to")];
    if (!isId(from) || !isId(to)) throw badForm();
    const frame = await readFrame(c, database, "messages");
    const progress = await countRedelivered(database, { from, to });
    return c.html(redeliveryProgress({
      frame,
      progress,
      batch: `${from}..${to}`,
      asked: Number(asked(c, "asked")) || 0,
      unfit: Number(asked(c, "unfit")) || 0,
    }));
  });

  app.get("/messages/:id", async (c) => {
    const whole = await requireMessage(database, c.req.param("id"));
    const frame = await readFrame(c, database, "messages");
    const id = whole.message_id;
    // Read like a row, so that whatever is said here is said there, too.
    const [[row], passage, events, replays] = await Promise.all([
      findMessages(database, [id]).then((found) => readRows(parts, found)),
      readPassage(database, id),
      whole.task_id ? listTaskEvents(database, whole.task_id) : [],
      findRedelivered(database, id),
    ]);
    if (!row) throw notFound("message");
    const from = sources.find(whole.webhook_type);
    return c.html(messagePage({ frame, row, from, whole, passage, events, replays }));
  });

  app.post("/messages/:id/replay", async (c) => {
    const { message_id } = await requireMessage(database, c.req.param("id"));
    const made = await redeliverer.redeliverOne(message_id);
    if (!made) throw notFound("message");
    return c.redirect(`/messages/${made.message_id}`, 303);
  });

  app.get("/messages/:id/delete", async (c) => {
    const { message_id: id, title, webhook_type } = await requireMessage(
      database,
      c.req.param("id"),
    );
    const sharing = await countSharing(database, id);
    return c.html(confirmPage({
      frame: await readFrame(c, database, "messages"),
      title: "Delete this message?",
      text:
        `“${
          title ?? `${webhook_type} webhook`
        }” goes for good, and with it its task and everything ` +
        "that was told about it. The sender's next repeat of it is taken as new." +
        (sharing > 0
          ? ` It shares the task with ${sharing.toLocaleString("en")} more, which stay without ` +
            "one and can be replayed."
          : ""),
      action: `/messages/${id}/delete`,
      label: "Delete",
      danger: true,
      back: `/messages/${id}`,
    }));
  });

  app.post("/messages/:id/delete", async (c) => {
    const { message_id } = await requireMessage(database, c.req.param("id"));
    if (!await deleteMessage(database, message_id)) throw notFound("message");
    return c.redirect("/messages", 303);
  });
  return app;
}

const WORDS: Record<string, string> = {
  q: "search",
  state: "state",
  source: "source",
  sig: "signature",
  since: "since",
  batch: "replays",
  before: "before",
};

function queryOf(value: (name: string) => string | undefined): MessageQuery {
  const before = value("before");
  return Object.fromEntries(
    Object.entries({
      q: value("q"),
      state: oneOf(value("state"), ["taken", ...MESSAGE_STATES]),
      source: value("source"),
      sig: oneOf(value("sig"), ["verified", "unverified", "rejected"]),
      since: oneOf(value("since"), SINCE.map((each) => each.value)),
      batch: batchOf(value("batch"))?.join(".."),
      before: before && isId(before) ? before : undefined,
    }).filter(([, each]) => each),
  );
}

function searchOf({ q, state, source, sig, since, batch, before }: MessageQuery): MessageSearch {
  const seconds = SINCE.find(({ value }) => value === since)?.seconds;
  return {
    text: q,
    state: state as MessageSearch["state"],
    source,
    verification: sig as MessageSearch["verification"],
    since: seconds === undefined ? undefined : new Date(Date.now() - seconds * 1_000),
    batch: batchOf(batch),
    before,
  };
}

/** The smallest and the largest id. */
function rangeOf(ids: string[]): [from: string | undefined, to: string | undefined] {
  const sorted = ids.toSorted();
  return [sorted[0], sorted.at(-1)];
}

function nothingToReplay(): Problem {
  return new Problem(404, "nothing_to_replay", "No message matches", "Choose other filters");
}

function badForm(): Problem {
  return new Problem(
    400,
    "bad_request",
    "The address does not say what to replay",
    "Begin at Messages",
  );
}

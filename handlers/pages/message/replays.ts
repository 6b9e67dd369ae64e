import { type Context, Hono } from "hono";
import { isId } from "../../../lib/store/id.ts";
import { findMessageIds } from "../../../lib/message/search/search.ts";
import { countRedelivered } from "../../../lib/message/redeliver.ts";
import type { Services } from "../../../lib/services.ts";
import { noteAct } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { maskedIn } from "../../masked.ts";
import { Problem } from "../../problem.ts";
import { type Redeliverer, redeliverInParts } from "../../../lib/work/verify/redeliver.ts";
import { confirmPage, type Question } from "../../views/parts/confirm.ts";
import { exact } from "../../views/parts/time.ts";
import type { FoundIds } from "../../../lib/store/walk.ts";
import { linkTo } from "../../views/parts/filters.ts";
import type { MessageQuery } from "../../views/message/query.ts";
import { redeliveryProgress } from "../../views/message/redelivery_progress.ts";
import { asked, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import { messageQueryOf, messageSearchOf } from "./query.ts";

/** Each costs an agent's work: beyond these, a person chooses filters. */
const MOST_REDELIVERED = 10_000;
/** Longer than a page looks into bodies. */
const MOST_BODY_MS = 2_000;

interface ReplayParts {
  services: Services;
  redeliverer: Redeliverer;
}

/** `/messages/replay` and `/messages/replays`: many messages again, and how far they have come. */
export function replayPages(
  { services: { database, sources }, redeliverer }: ReplayParts,
): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/messages/replay", async (c) => {
    const frame = await readFrame(c, database, "messages");
    const query = messageQueryOf((name) => asked(c, name));
    const found = await findMessageIds(database, {
      ...messageSearchOf(query),
      ...maskedIn(sources),
    }, {
      most: MOST_REDELIVERED,
      redeliverable: true,
    });
    // What was refused is not replayed but released: the page for many says so.
    if (found.ids.length === 0 && isRefused(query)) {
      return c.redirect(linkTo("/messages/many", { ...query }));
    }
    if (found.ids.length === 0) throw nothingToReplay();
    return c.html(confirmPage(frame, question(query, found)));
  });

  app.post("/messages/replay", async (c) => {
    const form = await readForm(c.req.raw);
    const query = messageQueryOf((name) => form.get(name) ?? undefined);
    const [newest, oldest] = [form.get("newest") ?? "", form.get("oldest") ?? ""];
    if (!isId(newest) || !isId(oldest)) throw badForm();
    const { ids } = await findMessageIds(database, {
      ...messageSearchOf(query),
      ...maskedIn(sources),
    }, {
      most: MOST_REDELIVERED,
      redeliverable: true,
      upTo: newest.toLowerCase(),
      from: oldest.toLowerCase(),
      // Until it has come to the oldest one that the person was told of.
      bodyMs: MOST_BODY_MS,
    });
    if (ids.length === 0) throw nothingToReplay();
    noteAct(c, { ids, detail: { count: ids.length, filter: query } });
    const { made, unfit } = await redeliver(redeliverer, ids);
    if (made.length === 0) throw noneReplayed(ids.length);
    noteAct(c, { detail: { done: made.length, refused: unfit } });
    const sorted = made.toSorted();
    return c.redirect(
      linkTo("/messages/replays", {
        from: sorted[0],
        to: sorted.at(-1),
        asked: String(ids.length),
        unfit: String(unfit),
      }),
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
      asked: numberOf(c, "asked"),
      unfit: numberOf(c, "unfit"),
    }));
  });
  return app;
}

/** Whether only refused ones can match. */
export function isRefused({ state, phase, sig }: MessageQuery): boolean {
  return state === "rejected" || phase === "refused" || sig === "rejected";
}

/** What a person is asked before many messages are worked again; `ids` newest first. */
function question(query: MessageQuery, { ids, next, stopped }: FoundIds): Question {
  const count = ids.length.toLocaleString("en");
  const notAll = stopped
    ? ` Older ones may match too: Otto has looked through ${
      stopped.looked.toLocaleString("en")
    } messages, to ${exact(stopped.to)}.`
    : next
    ? ` These are the newest ${count}.`
    : "";
  const words = Object.entries(query).map(([name, value]) => `${WORDS[name]}: ${value}`);
  return {
    title: `Replay ${count} message${ids.length === 1 ? "" : "s"}?`,
    text:
      `${
        words.length > 0 ? `Chosen by ${words.join(", ")}. ` : ""
      }Each becomes a new message with the same ` +
      `bytes, and is worked again from the beginning: agents may act, and people may be told ` +
      `once more.${notAll}`,
    action: "/messages/replay",
    label: `Replay ${count}`,
    back: linkTo("/messages", { ...query }),
    fields: { ...query, newest: ids[0], oldest: ids.at(-1) },
  };
}

/** The new messages' ids, and how many would be refused today. */
async function redeliver(redeliverer: Redeliverer, ids: readonly string[]) {
  const made: string[] = [];
  let unfit = 0;
  try {
    for await (const { items, refused } of redeliverInParts(redeliverer, ids)) {
      made.push(...items.map(({ message_id }) => message_id));
      unfit += refused.length;
    }
  } catch (error) {
    if (made.length === 0) throw error;
  }
  return { made, unfit };
}

function numberOf(c: Context<Env>, name: string): number {
  return Number(asked(c, name)) || 0;
}

/** What the filters are called in the question. */
const WORDS: Record<string, string> = {
  q: "search",
  body: "in bodies",
  phase: "phase",
  webhook_type: "type",
  task_id: "task",
  replay_of: "replays of",
  state: "state",
  source: "source",
  sig: "signature",
  since: "since",
  until: "until",
  header: "in headers",
  batch: "replays",
  before: "before",
};

function nothingToReplay(): Problem {
  return new Problem(404, "nothing_to_replay", "No message matches", "Choose other filters");
}

function noneReplayed(asked: number): Problem {
  return new Problem(
    409,
    "nothing_replayed",
    `None of ${asked} messages was replayed: they would be refused today`,
    "Replay one of them alone to read why",
  );
}

function badForm(): Problem {
  return new Problem(
    400,
    "bad_request",
    "The address does not say what to replay",
    "Begin at Messages",
  );
}

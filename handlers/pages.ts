import { Hono } from "hono";
import { currentCursor } from "../lib/change.ts";
import { isId } from "../lib/id.ts";
import type { Live } from "../lib/live.ts";
import { listMessages } from "../lib/message.ts";
import { listNotifications, markAllRead, markRead } from "../lib/notification.ts";
import type { Services } from "../lib/services.ts";
import type { Stats } from "../lib/stats.ts";
import { createPageStream } from "./page_stream.ts";
import { readRows } from "./page_rows.ts";
import { createSummary } from "./page_summary.ts";
import { answerProblem, notFound, Problem } from "./problem.ts";
import { listSampled, makeSample } from "./sample.ts";
import { home, MOST_ROWS } from "./views/home.ts";
import { MOST_UNREAD } from "./views/notification.ts";
import { problemPage } from "./views/problem.ts";

/** What the pages are made of. */
export interface PageOptions {
  services: Services;
  live: Live;
  readStats(): Promise<Stats>;
  /** Ends the streams. */
  stop: AbortSignal;
  /** Runs `POST /webhook/{type}` as if a sender had called it. */
  receive(request: Request): Promise<Response>;
}

/**
 * The web UI: the first page, its stream, its forms. Whoever mounts it has
 * checked who is calling, and from which site.
 */
export function pages({ services, live, readStats, stop, receive }: PageOptions): Hono {
  const { config, database, log } = services;
  const summary = createSummary({ services, readStats });
  const openStream = createPageStream({ services, live, stop, summary });
  const sampled = listSampled(config);
  let turn = 0;

  /** Where senders reach Otto: as configured, else as this browser does. */
  const originFor = (request: Request) => config.publicUrl ?? new URL(request.url).origin;

  const app = new Hono();
  app.get("/", async (c) => {
    // First, so that the stream tells again rather than skips what happens meanwhile.
    const cursor = await currentCursor(database);
    const [messages, unread, lanes, notes] = await Promise.all([
      listMessages(database, { limit: MOST_ROWS }),
      listNotifications(database, { unread: true, limit: MOST_UNREAD }),
      summary.lanes(),
      summary.notes(),
    ]);
    const rows = await readRows(database, messages);
    const url = `${originFor(c.req.raw)}/webhook/demo`;
    c.header("cache-control", "no-store");
    return c.html(home({ rows, unread, lanes, notes, sampled, url, cursor }));
  });

  app.get(
    "/live",
    (c) => openStream(c.req.raw, c.req.header("last-event-id") ?? c.req.query("after")),
  );

  app.post("/samples", async (c) => {
    const name = (await readForm(c.req.raw)).get("source") ?? "";
    const sample = await makeSample(config, { name, origin: originFor(c.req.raw), turn: turn++ });
    const response = await receive(sample);
    if (!response.ok) throw await refusal(response);
    await response.body?.cancel();
    return c.redirect("/", 303);
  });

  app.post("/notifications/read", async (c) => {
    const newest = (await readForm(c.req.raw)).get("newest") ?? "";
    if (isId(newest)) await markAllRead(database, newest);
    return c.redirect("/", 303);
  });

  app.post("/notifications/:id/read", async (c) => {
    const id = c.req.param("id");
    if (!isId(id) || !await markRead(database, id)) throw notFound("notification");
    return c.redirect("/", 303);
  });

  // People get a page; the words are those of the API.
  app.onError(async (error, c) => {
    const answer = answerProblem(error, log);
    const { error: { message, hint } } = await answer.json();
    const retryAfter = answer.headers.get("retry-after");
    if (retryAfter) c.header("retry-after", retryAfter);
    c.header("cache-control", "no-store");
    c.status(answer.status as 500);
    return c.html(problemPage({ status: answer.status, message, hint }));
  });
  return app;
}

async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

/** What our own gate said to a sample, said again to the person who sent it. */
async function refusal(response: Response): Promise<Problem> {
  const { error } = await response.json().catch(() => ({})) as {
    error?: { code: string; message: string; hint: string };
  };
  return new Problem(
    response.status,
    error?.code ?? "sample_refused",
    error?.message ?? `The sample was answered with ${response.status}`,
    error?.hint ?? "The log has the reason",
  );
}

import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import { isId } from "../../lib/store/id.ts";
import { listMessages } from "../../lib/message/message.ts";
import {
  listNotifications,
  markAllRead,
  markRead,
  retryNotification,
} from "../../lib/notify/notification.ts";
import type { Env } from "../caller.ts";
import { editPages } from "./edit.ts";
import { ownPath, readForm } from "./form.ts";
import { readFrame, THEME_COOKIE, themeOf } from "./frame.ts";
import { messagePages } from "./messages.ts";
import { replayPages } from "./replays.ts";
import type { PageOptions } from "./options.ts";
import { createPageStream } from "./stream.ts";
import { readRows } from "./rows.ts";
import { createSummary } from "./summary.ts";
import { peoplePages } from "./people.ts";
import { notFound, Problem } from "../problem.ts";
import { answerProblemPage } from "./problem.ts";
import { listSampled, makeSample } from "../webhook/sample.ts";
import { createNames } from "../../sources/rules/names.ts";
import { sourcePages } from "./sources.ts";
import { systemPages } from "./system.ts";
import { taskPages } from "./tasks.ts";
import { home, MOST_ROWS } from "../views/live/home.ts";
import { MOST_UNREAD } from "../views/page.ts";

const YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * The web UI: its pages, their stream, their forms. Whoever mounts it has
 * checked who is calling, and from which site.
 */
export function pages(
  { services, live, readStats, redeliverer, pauses, offeredSecrets, stop, receive }: PageOptions,
): Hono<Env> {
  const { config, database, log, sources } = services;
  const parts = { database, nameOf: createNames(sources) };
  const summary = createSummary({ services, readStats, pauses });
  const openStream = createPageStream({ services, live, stop, summary });
  const sampled = listSampled(services);
  let turn = 0;

  /** Where senders reach Otto: as configured, else as this browser does. */
  const originFor = (request: Request) => config.publicUrl ?? new URL(request.url).origin;

  const app = new Hono<Env>();
  app.get("/", async (c) => {
    const frame = await readFrame(c, database, "live");
    const [messages, unread, lanes, notes] = await Promise.all([
      listMessages(database, { limit: MOST_ROWS }),
      listNotifications(database, { unread: true, limit: MOST_UNREAD }),
      summary.lanes(),
      summary.notes(),
    ]);
    const rows = await readRows(parts, messages);
    const url = `${originFor(c.req.raw)}/webhook/demo`;
    return c.html(home({ frame, rows, unread, lanes, notes, sampled, url }));
  });

  app.get(
    "/live",
    (c) => openStream(c.req.raw, c.req.header("last-event-id") ?? c.req.query("after")),
  );

  app.post("/samples", async (c) => {
    const form = await readForm(c.req.raw);
    const name = form.get("source") ?? "";
    const sample = await makeSample(services, { name, origin: originFor(c.req.raw), turn: turn++ });
    const response = await receive(sample);
    if (!response.ok) throw await refusal(response);
    await response.body?.cancel();
    return c.redirect(ownPath(form.get("back"), "/"), 303);
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

  app.post("/notifications/:id/retry", async (c) => {
    const id = c.req.param("id");
    if (!isId(id) || !await retryNotification(database, id)) throw notFound("notification");
    services.bells.notifications.ring();
    return c.redirect("/system", 303);
  });

  app.post("/theme", async (c) => {
    const form = await readForm(c.req.raw);
    setCookie(c, THEME_COOKIE, themeOf(form.get("theme") ?? undefined), {
      path: "/",
      httpOnly: true,
      sameSite: "Lax",
      maxAge: YEAR_SECONDS,
    });
    return c.redirect(ownPath(form.get("back"), "/"), 303);
  });

  // Before a message's own page, which takes every other path below /messages.
  app.route("/", replayPages({ services, redeliverer }));
  app.route("/", messagePages({ services, redeliverer }));
  app.route("/", editPages({ services }));
  app.route("/", taskPages({ services }));
  app.route("/", peoplePages({ services }));
  app.route("/", sourcePages({ services, pauses, offeredSecrets, originFor }));
  app.route("/", systemPages({ services, readStats }));

  app.onError((error, c) => answerProblemPage(error, c, log));
  return app;
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

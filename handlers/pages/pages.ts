import { Hono } from "hono";
import type { Env } from "../caller.ts";
import { editPages } from "./message/edit.ts";
import { livePages } from "./live/live.ts";
import { bulkPages } from "./bulk/bulk.ts";
import { manyMessagePages } from "./bulk/messages.ts";
import { manyTaskPages } from "./bulk/tasks.ts";
import { messagePages } from "./message/message.ts";
import { routePages } from "./needs/routes.ts";
import { seenPages } from "./needs/seen.ts";
import { silencePages } from "./needs/silence.ts";
import { notificationPages } from "./notifications.ts";
import type { PageOptions } from "./options.ts";
import { peoplePages } from "./people.ts";
import { answerProblemPage } from "./problem.ts";
import { releasePages } from "./message/release.ts";
import { replayPages } from "./message/replays.ts";
import { samplePages } from "./samples.ts";
import { sourcePages } from "./sources.ts";
import { systemPages } from "./system.ts";
import { taskPages } from "./tasks.ts";
import { themePages } from "./theme.ts";

/**
 * The web UI: its pages, their stream, their forms. Whoever mounts it has
 * checked who is calling, and from which site.
 */
export function pages(options: PageOptions): Hono<Env> {
  const { log } = options.services;
  const app = new Hono<Env>();
  app.route("/", livePages(options));
  app.route("/", samplePages(options));
  app.route("/", notificationPages(options));
  app.route("/", themePages());
  // Before a message's own page, which takes every other path below /messages.
  app.route("/", replayPages(options));
  app.route("/", manyMessagePages(options));
  app.route("/", manyTaskPages(options));
  app.route("/", bulkPages(options));
  app.route("/", releasePages(options));
  app.route("/", messagePages(options));
  app.route("/", editPages(options));
  app.route("/", taskPages(options));
  app.route("/", peoplePages(options));
  app.route("/", sourcePages(options));
  app.route("/", systemPages(options));
  app.route("/", seenPages(options));
  app.route("/", silencePages(options));
  app.route("/", routePages(options));
  app.onError((error, c) => answerProblemPage(error, c, log));
  return app;
}

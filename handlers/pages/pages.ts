import { Hono } from "hono";
import type { Env } from "../caller.ts";
import { editPages } from "./message/edit.ts";
import { livePages } from "./live/live.ts";
import { manyPages } from "./message/many.ts";
import { messagePages } from "./message/message.ts";
import { notificationPages } from "./notifications.ts";
import type { PageOptions } from "./options.ts";
import { peoplePages } from "./people.ts";
import { answerProblemPage } from "./problem.ts";
import { releasePages } from "./message/release.ts";
import { replayPages } from "./message/replays.ts";
import { samplePages } from "./samples.ts";
import { sourcePages } from "./sources.ts";
import { subjectPages } from "./subjects.ts";
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
  app.route("/", manyPages(options));
  app.route("/", releasePages(options));
  app.route("/", messagePages(options));
  app.route("/", editPages(options));
  app.route("/", taskPages(options));
  app.route("/", subjectPages(options));
  app.route("/", peoplePages(options));
  app.route("/", sourcePages(options));
  app.route("/", systemPages(options));
  app.onError((error, c) => answerProblemPage(error, c, log));
  return app;
}

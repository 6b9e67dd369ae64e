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
import { auditPages } from "./people/audit.ts";
import { peoplePages } from "./people/people.ts";
import { tokenPages } from "./people/tokens.ts";
import { answerProblemPage } from "./problem.ts";
import { releasePages } from "./message/release.ts";
import { replayPages } from "./message/replays.ts";
import { samplePages } from "./samples.ts";
import { connectPages } from "./source/connect.ts";
import { pausePages } from "./source/pauses.ts";
import { sourcePages } from "./source/sources.ts";
import { trySecretPages } from "./source/try_secret.ts";
import { subjectPages } from "./subjects.ts";
import { systemPages } from "./system.ts";
import { taskPages } from "./tasks.ts";
import { trialPages } from "./trial/trials.ts";
import { tryPages } from "./try.ts";
import { leanQueries } from "./lean_query.ts";
import { themePages } from "./theme.ts";

/**
 * The web UI: its pages, their stream, their forms. Whoever mounts it has
 * checked who is calling, and from which site.
 */
export function pages(options: PageOptions): Hono<Env> {
  const app = new Hono<Env>();
  app.use("/messages", leanQueries);
  app.use("/tasks", leanQueries);
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
  app.route("/", trialPages(options));
  app.route("/", taskPages(options));
  app.route("/", tokenPages(options));
  app.route("/", subjectPages(options));
  app.route("/", peoplePages(options));
  app.route("/", auditPages(options));
  app.route("/", sourcePages(options));
  app.route("/", connectPages(options));
  app.route("/", trySecretPages(options));
  app.route("/", pausePages(options));
  app.route("/", tryPages(options));
  app.route("/", systemPages(options));
  app.route("/", seenPages(options));
  app.route("/", silencePages(options));
  app.route("/", routePages(options));
  app.onError((error, c) => answerProblemPage(error, c, options.services));
  return app;
}

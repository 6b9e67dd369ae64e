import { OpenAPIHono } from "@hono/zod-openapi";
import { openLive } from "../lib/live/live.ts";
import { openPauses } from "../lib/ingress/pauses.ts";
import type { Services } from "../lib/services.ts";
import { cached } from "../lib/async/cached.ts";
import { readStats } from "../lib/monitor/stats.ts";
import { ACCESS, matches } from "./access.ts";
import { createIngressPolicy } from "./webhook/admission.ts";
import { limitBodies } from "./webhook/body.ts";
import type { Connection, Env } from "./caller.ts";
import { agent } from "./api/agent.ts";
import { docs } from "./pages/docs.ts";
import { edits } from "./api/edit.ts";
import type { Document } from "./views/docs/docs.ts";
import { explainMessage, explainRequest } from "./api/explain.ts";
import { requireHost, requireModestHead, requireOwnHost, secureHeaders } from "./gate.ts";
import { messages } from "./api/messages.ts";
import { createMetrics } from "./metrics.ts";
import { monitor, publicMonitor } from "./api/monitor.ts";
import { notifications } from "./api/notifications.ts";
import { pages } from "./pages/pages.ts";
import { answerProblem, Problem } from "./problem.ts";
import { answerProblemPage, wantsPage } from "./pages/problem.ts";
import { createRedeliverer } from "./api/redeliver.ts";
import { createOfferedSecrets } from "./webhook/offered_secrets.ts";
import { openAuth } from "./pages/sign_in.ts";
import { quarantine } from "./api/quarantine.ts";
import { sourceApi } from "./api/sources.ts";
import { staticFiles } from "./static.ts";
import { stream } from "./api/stream.ts";
import { tasks } from "./api/tasks.ts";
import { users } from "./api/users.ts";
import { createVerifier } from "./webhook/verifier.ts";
import { refuseType, webhook } from "./webhook/webhook.ts";

/** Everything the web sees. */
export interface App {
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
  /** The admin's token, if one is needed and was made just now: to be shown once. */
  newToken(): Promise<string | undefined>;
  /** Every route, for the access test. */
  readonly routes: readonly { method: string; path: string }[];
}

/** The longest thing an admin says is a list of ids. */
const MOST_BODY_BYTES = 256 * 1024;
/** Counting reads much: however many ask, at most once in this time. */
const STATS_MS = 2_000;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const INSIDE: Connection = { address: () => undefined, isInside: true };

/** Builds the app; `stop` ends its live streams. */
export function createApp({ services, stop }: { services: Services; stop: AbortSignal }): App {
  const { config, log } = services;
  const metrics = createMetrics();
  const stats = cached(() => readStats(services), { freshMs: STATS_MS });
  const live = openLive(services);
  const door = openAuth({ services });
  const verifier = createVerifier(services);
  const pauses = openPauses({ ...services, stop });
  const offers = createOfferedSecrets(log);
  const admission = createIngressPolicy({ sources: services.sources, pauses });
  const hooks = webhook({ services, metrics, verifier, admission, offers });

  const app = new OpenAPIHono<Env>();
  app.onError((error, c) =>
    wantsPage(c) ? answerProblemPage(error, c, log) : answerProblem(error, log)
  );
  app.notFound((c) => {
    // Never 404 to a sender: some unsubscribe for good when they see one.
    if (/^\/+webhook(\/|$)/i.test(c.req.path)) refuseType();
    const allowed = ACCESS.filter(([, path]) => matches(path, c.req.path)).map(([method]) =>
      method
    );
    if (allowed.length > 0) throw wrongMethod(c.req.method, allowed);
    throw new Problem(
      404,
      "no_such_page",
      "There is nothing at this path",
      "Webhooks go to POST /webhook/{type}; GET /openapi.json lists the API",
    );
  });

  app.use(requireHost, requireModestHead);
  app.use(async (c, next) => {
    // Others, such as TRACE, the runtimes do not let us hand on.
    if (!METHODS.includes(c.req.method)) throw wrongMethod(c.req.method, METHODS);
    await next();
  });
  // For anyone, by any host name: senders and load balancers.
  app.route("/", publicMonitor({ services }));
  // Before the webhook routes, which take every other path below /webhook.
  for (const path of ["/webhook/stats", "/webhook/status", "/webhook/:type/explain", "/metrics"]) {
    app.use(path, requireOwnHost(config), secureHeaders, door.requireRole);
  }
  app.route("/", explainRequest({ services, verifier, pauses }));
  app.route("/", monitor({ services, metrics, readStats: stats }));
  app.route("/", hooks);
  // By any host name: a token for one task is no cookie that a page could borrow.
  for (const step of ["claim", "events", "result"]) {
    app.use(`/api/tasks/:id/${step}`, secureHeaders);
  }
  app.route("/", agent({ services }));

  app.use(requireOwnHost(config), secureHeaders);
  app.route("/", door.pages);
  app.route("/", staticFiles());

  app.use(door.requireRole, limitBodies(MOST_BODY_BYTES));
  const replayer = createRedeliverer({ services, verifier });
  app.route("/", messages({ services, replayer }));
  app.route("/", edits({ services }));
  app.route("/", explainMessage({ services, verifier, pauses }));
  app.route("/", quarantine({ services, verifier }));
  app.route("/", tasks({ services }));
  app.route("/", users({ services }));
  app.route("/", notifications({ services }));
  app.route("/", sourceApi({ services, pauses }));
  app.route("/", stream({ live, stop, log, sources: services.sources }));
  app.route("/", docs({ services, document: () => document() as unknown as Document }));
  app.route(
    "/",
    pages({
      services,
      live,
      readStats: stats,
      stop,
      replayer,
      pauses,
      offers,
      receive: async (request) => await app.fetch(request, INSIDE),
    }),
  );

  app.openAPIRegistry.registerComponent("securitySchemes", "admin", {
    type: "http",
    scheme: "bearer",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "task", {
    type: "http",
    scheme: "bearer",
    description: "The argument `token` of the task's ARQ job",
  });
  const document = () =>
    app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "Otto",
        version: "1",
        description: "Takes webhooks, turns them into tasks, hands them to an agent, tells people.",
      },
      security: [{ admin: [] }],
    });

  return {
    fetch: (request, connection) => app.fetch(request, connection),
    newToken: () => door.newToken(),
    routes: app.routes,
  };
}

function wrongMethod(method: string, allowed: readonly string[]): Problem {
  const allow = [...new Set(allowed)].join(", ");
  return new Problem(
    405,
    "method_not_allowed",
    `Cannot ${method.slice(0, 16)} this path`,
    `It takes ${allow}`,
    { allow },
  );
}

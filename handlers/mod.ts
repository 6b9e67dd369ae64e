import { OpenAPIHono } from "@hono/zod-openapi";
import type { HonoRequest, MiddlewareHandler } from "hono";
import { openLive } from "../lib/live/live.ts";
import { openPauses } from "../lib/ingress/pauses.ts";
import { openTurnedAway } from "../lib/ingress/turned_away.ts";
import {
  openUnverifiedBuckets,
  type UnverifiedBuckets,
} from "../lib/ingress/unverified_buckets.ts";
import type { Services } from "../lib/services.ts";
import { type Drainer, openDrainer } from "../lib/work/drainer.ts";
import { cached } from "../lib/async/cached.ts";
import { readStats } from "../lib/monitor/stats/read_stats.ts";
import { ACCESS, matches } from "./access.ts";
import { createIngressPolicy } from "./webhook/ingress_policy.ts";
import { limitBodies } from "./webhook/body.ts";
import type { Connection, Env } from "./caller.ts";
import { agent } from "./api/agent/agent.ts";
import { audit } from "./api/audit.ts";
import { docs } from "./pages/docs.ts";
import { drainApi } from "./api/drain.ts";
import { edits } from "./api/edit.ts";
import type { Document } from "./views/docs/docs.ts";
import { explainMessage, explainRequest } from "./api/explain.ts";
import { requireHost, requireModestHead, requireOwnHost, secureHeaders } from "./gate.ts";
import { messages } from "./api/messages.ts";
import { openSourceInfos } from "../lib/monitor/sources.ts";
import { createMetrics } from "./metrics.ts";
import { monitor, publicMonitor } from "./api/monitor.ts";
import { needsApi } from "./api/needs.ts";
import { notifications } from "./api/notifications.ts";
import { pages } from "./pages/pages.ts";
import { answerProblem, Problem } from "./problem.ts";
import { answerProblemPage, wantsPage } from "./pages/problem.ts";
import { createRedeliverer } from "../lib/work/verify/redeliver.ts";
import { createOfferedSecrets } from "./webhook/offered_secrets.ts";
import { openAuth } from "./pages/sign_in.ts";
import { quarantine } from "./api/quarantine.ts";
import { sourceApi } from "./api/sources.ts";
import { staticFiles } from "./static.ts";
import { stream } from "./api/stream.ts";
import { bulkApi } from "./api/many/bulk.ts";
import { manyNotifications } from "./api/many/notifications.ts";
import { manyMessages } from "./api/many/messages.ts";
import { manyTasks } from "./api/many/tasks.ts";
import { subjects } from "./api/subjects.ts";
import { tasks } from "./api/tasks.ts";
import { trialApi } from "./api/trials/trials.ts";
import { users } from "./api/users.ts";
import { compress } from "hono/compress";
import { createVerifier } from "../lib/work/verify/verifier.ts";
import { personTokens } from "./api/person_tokens.ts";
import { routePath } from "./route_path.ts";
import { refuseType } from "./webhook_type.ts";
import { webhook } from "./webhook/webhook.ts";

/** Everything the web sees. */
export interface App {
  /**
   * Answers a request. Without a connection, as a plain Web handler is called, nothing is known of
   * who asks, and the host is the URL's where no header names one.
   */
  fetch(request: Request, connection?: Connection): Response | Promise<Response>;
  /** A code that signs the admin in once, if a token is needed and was made just now. */
  firstCode(): Promise<string | undefined>;
  /** Resolves when it is stopped and all that was drained by request has ended or was given back. */
  readonly drained: Promise<void>;
  /** Every route, for the access test. */
  readonly routes: readonly { method: string; path: string }[];
}

/** The longest thing an admin sends is an edited body of 120 KiB, all of whose quotes are escaped. */
const MOST_BODY_BYTES = 256 * 1024;
/** Counting reads much: however many ask, the store is asked at most once in this time. */
const STATS_MS = 2_000;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** A sample that Otto sends to itself: the operator's lists of addresses do not apply. */
const INSIDE: Connection = { address: () => undefined, isInside: true };

/** Nothing is known of where a request came from. */
const UNKNOWN: Connection = { address: () => undefined };

/** Builds the app; `stop` ends its live streams. A process that drains by itself hands in by what. */
export function createApp(
  { services, stop, drainer = openDrainer(services, stop) }: {
    services: Services;
    stop: AbortSignal;
    drainer?: Drainer;
  },
): App {
  const parts = openParts({ services, stop, drainer });
  const app = new OpenAPIHono<Env>({ getPath: routePath });
  app.onError((error, c) =>
    wantsPage(c) ? answerProblemPage(error, c, services) : answerProblem(error, services.log)
  );
  app.notFound((c) => withoutSlash(c.req) ?? refusePath(c.req));
  app.use(requireHost, requireModestHead);
  app.use(requireKnownMethod);
  // The order matters: what comes first is asked first, and only what is
  // mounted before the guard is for anyone.
  mountIngress(app, parts);
  app.use(requireOwnHost(services.config), secureHeaders);
  // The first page with fifty rows is 220 KB, and not everybody has a proxy that does it.
  app.use(compress());
  app.route("/", parts.auth.pages);
  app.route("/", staticFiles());
  app.use(parts.auth.requireRole, limitBodies(MOST_BODY_BYTES));
  mountApi(app, parts);
  mountPages(app, parts);
  return {
    // Other hosts hand something of their own along.
    fetch: (request, connection) =>
      typeof connection?.address === "function"
        ? app.fetch(request, connection)
        : app.fetch(withHost(request), UNKNOWN),
    firstCode: () => parts.auth.firstCode(),
    drained: drainer.stopped,
    routes: app.routes,
  };
}

type Parts = ReturnType<typeof openParts>;

/** A request that no server has read has no Host header. */
function withHost(request: Request): Request {
  if (request.headers.has("host")) return request;
  const headers = new Headers(request.headers);
  headers.set("host", new URL(request.url).host);
  return new Request(request, { headers });
}

/** What several rooms of the web share, opened once. */
function openParts(
  { services, stop, drainer }: { services: Services; stop: AbortSignal; drainer: Drainer },
) {
  const verifier = createVerifier(services);
  const pauses = openPauses({ ...services, stop });
  return {
    services,
    stop,
    drainer,
    verifier,
    auth: openAuth({ services }),
    live: openLive(services),
    metrics: createMetrics(services),
    offeredSecrets: createOfferedSecrets(services.log),
    pauses,
    sourceInfos: openSourceInfos({ ...services, pauses }),
    readStats: cached(() => readStats(services), { freshMs: STATS_MS }),
    redeliverer: createRedeliverer({ services, verifier }),
  };
}

/**
 * What is asked by any host name: senders, load balancers, agents with a task's token (which is
 * no cookie that a page could borrow). The few pages below /webhook that are not for anyone stand
 * before the webhooks themselves, which take every other path there.
 */
function mountIngress(app: OpenAPIHono<Env>, parts: Parts): void {
  const { services, auth, pauses } = parts;
  app.route("/", publicMonitor(parts));
  for (const path of ["/webhook/stats", "/webhook/status", "/webhook/:type/explain", "/metrics"]) {
    app.use(path, requireOwnHost(services.config), secureHeaders, auth.requireRole);
  }
  app.route("/", explainRequest(parts));
  app.route("/", monitor(parts));
  const policy = createIngressPolicy({
    sources: services.sources,
    pauses,
    turnedAway: openTurnedAway(services),
    unverified: openBuckets(services, parts.stop),
  });
  app.route("/", webhook({ ...parts, policy }));
  for (const step of ["claim", "events", "messages", "result"]) {
    app.use(`/api/tasks/:id/${step}`, secureHeaders);
  }
  app.route("/", agent(parts));
}

/** How much strangers may send; they cannot reach a machine that is alone. */
function openBuckets(services: Services, stop: AbortSignal): UnverifiedBuckets | undefined {
  const limits = services.config.unverifiedDaily;
  return limits && openUnverifiedBuckets({ ...services, stop, limits });
}

/** The API, for those whom the guard has let pass. */
function mountApi(app: OpenAPIHono<Env>, parts: Parts): void {
  const { services, live, stop } = parts;
  app.route("/", messages(parts));
  app.route("/", edits(parts));
  app.route("/", explainMessage(parts));
  app.route("/", quarantine(parts));
  app.route("/", manyMessages(parts));
  app.route("/", manyTasks(parts));
  app.route("/", manyNotifications(parts));
  app.route("/", bulkApi(parts));
  app.route("/", tasks(parts));
  app.route("/", subjects(parts));
  app.route("/", trialApi(parts));
  app.route("/", users(parts));
  app.route("/", personTokens(parts));
  app.route("/", audit(parts));
  app.route("/", notifications(parts));
  app.route("/", needsApi(parts));
  app.route("/", sourceApi(parts));
  app.route("/", drainApi(parts));
  app.route("/", stream({ live, stop, log: services.log, sources: services.sources }));
}

/** The web UI, and the API's own description. */
function mountPages(app: OpenAPIHono<Env>, parts: Parts): void {
  const { services } = parts;
  app.route("/", docs({ services, document: () => describeApi(app) }));
  const receive = async (request: Request) => await app.fetch(request, INSIDE);
  app.route("/", pages({ ...parts, receive }));
}

/** `/openapi.json`: all routes that were mounted by then. */
function describeApi(app: OpenAPIHono<Env>): Document {
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "admin", { type: "http", scheme: "bearer" });
  registry.registerComponent("securitySchemes", "task", {
    type: "http",
    scheme: "bearer",
    description: "The argument `token` of the task's ARQ job",
  });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Otto",
      version: "1",
      description: "Takes webhooks, turns them into tasks, hands them to an agent, tells people.",
    },
    servers: [{ url: "/", description: "The Otto that this document comes from" }],
    security: [{ admin: [] }],
  }) as unknown as Document;
}

/** Where a page is whose path was typed with a slash behind it. */
function withoutSlash({ path, method, url }: HonoRequest): Response | undefined {
  if (method !== "GET" || !/^\/(?!webhook|api|static)[^/\\].*[^/]\/$/.test(path)) return undefined;
  const page = path.slice(0, -1);
  if (!ACCESS.some(([its, pattern]) => its === "GET" && matches(pattern, page))) return undefined;
  return new Response(null, { status: 302, headers: { location: page + new URL(url).search } });
}

/** @throws {Problem} whatever there is to say of a path that is none of ours. */
function refusePath({ path, method }: { path: string; method: string }): never {
  // Never 404 to a sender: some unsubscribe for good when they see one.
  if (/^\/+webhook(\/|$)/i.test(path)) refuseType();
  const allowed = ACCESS.filter(([, pattern]) => matches(pattern, path)).map(([method]) => method);
  if (allowed.length > 0) throw wrongMethod(method, allowed);
  throw new Problem(
    404,
    "no_such_page",
    "There is nothing at this path",
    "Webhooks go to POST /webhook/{type}; GET /openapi.json lists the API",
  );
}

/** Others, such as TRACE, the runtimes do not let us hand on. */
const requireKnownMethod: MiddlewareHandler<Env> = async (c, next) => {
  if (!METHODS.includes(c.req.method)) throw wrongMethod(c.req.method, METHODS);
  await next();
};

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

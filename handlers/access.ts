import type { Role } from "../lib/people/admin.ts";

/** Who may call a route: a reader may what anyone may, and the admin everything. */
export type Caller = "anyone" | "agent with its task's token" | "reader" | "drainer" | "admin";

/**
 * Every route and who may call it. `mod.ts` mounts the routes for anyone and for agents first
 * and the guard before all others; the guard lets a reader look at what
 * is theirs here. A test compares this table with the app, both ways.
 */
export const ACCESS: readonly [method: string, path: string, who: Caller][] = [
  ["GET", "/health", "anyone"],
  ["GET", "/webhook/health", "anyone"],
  ["POST", "/webhook/:type", "anyone"],
  ["GET", "/sign-in", "anyone"],
  ["POST", "/sign-in", "anyone"],
  ["POST", "/sign-out", "anyone"],
  ["GET", "/static/:name", "anyone"],

  ["POST", "/api/tasks/:id/claim", "agent with its task's token"],
  ["POST", "/api/tasks/:id/events", "agent with its task's token"],
  ["GET", "/api/tasks/:id/messages", "agent with its task's token"],
  ["POST", "/api/tasks/:id/result", "agent with its task's token"],

  ["GET", "/webhook/stats", "reader"],
  ["GET", "/webhook/status", "reader"],
  ["POST", "/webhook/:type/explain", "admin"],
  ["GET", "/metrics", "reader"],
  ["GET", "/openapi.json", "reader"],
  ["GET", "/docs", "reader"],
  ["GET", "/api/stream", "reader"],
  ["GET", "/api/messages", "reader"],
  ["GET", "/api/messages/:id", "reader"],
  ["GET", "/api/messages/:id/body", "reader"],
  ["POST", "/api/messages/:id/replay", "admin"],
  ["POST", "/api/messages/:id/detach", "admin"],
  ["POST", "/api/messages/:id/edit", "admin"],
  ["GET", "/api/messages/:id/explain", "admin"],
  ["POST", "/api/messages/:id/release", "admin"],
  ["POST", "/api/messages/release", "admin"],
  ["POST", "/api/messages/replay", "admin"],
  ["POST", "/api/messages/delete", "admin"],
  ["POST", "/api/notifications/read", "admin"],
  ["GET", "/api/bulk", "reader"],
  ["GET", "/api/bulk/:id", "reader"],
  ["POST", "/api/bulk/:id/cancel", "admin"],
  ["POST", "/api/tasks/retry", "admin"],
  ["POST", "/api/tasks/cancel", "admin"],
  ["DELETE", "/api/messages/:id", "admin"],
  ["GET", "/api/tasks", "reader"],
  ["GET", "/api/tasks/:id", "reader"],
  ["PATCH", "/api/tasks/:id", "admin"],
  ["POST", "/api/tasks/:id/cancel", "admin"],
  ["POST", "/api/tasks/:id/retry", "admin"],
  ["POST", "/api/tasks/:id/wake", "admin"],
  ["POST", "/api/tasks/:id/answer", "admin"],
  ["POST", "/api/tasks/:id/approve", "admin"],
  ["POST", "/api/tasks/:id/deny", "admin"],
  ["POST", "/api/messages/:id/try", "admin"],
  ["GET", "/api/messages/:id/trials", "reader"],
  ["GET", "/api/trials/:id", "reader"],
  ["POST", "/api/trials/:id/cancel", "admin"],
  ["POST", "/api/sources/:name/try", "admin"],
  ["GET", "/api/subjects", "reader"],
  ["GET", "/api/subjects/:id", "reader"],
  ["POST", "/api/subjects/:id/stop", "admin"],
  ["POST", "/api/subjects/:id/resume", "admin"],
  ["GET", "/api/users", "reader"],
  ["GET", "/api/users/:id", "reader"],
  ["POST", "/api/users", "admin"],
  ["PATCH", "/api/users/:id", "admin"],
  ["GET", "/api/users/:id/tokens", "admin"],
  ["POST", "/api/users/:id/tokens", "admin"],
  ["DELETE", "/api/users/:id/tokens/:token", "admin"],
  ["GET", "/api/audit", "reader"],
  ["GET", "/api/notifications", "reader"],
  ["GET", "/api/notifications/:id", "reader"],
  ["POST", "/api/notifications/:id/read", "admin"],
  ["POST", "/api/notifications/:id/retry", "admin"],
  ["POST", "/api/drain", "drainer"],
  ["GET", "/api/needs", "reader"],
  ["POST", "/api/needs/seen", "admin"],
  ["GET", "/api/sources", "reader"],
  ["POST", "/api/sources/:name/try-secret", "admin"],
  ["POST", "/api/sources/:name/pause", "admin"],
  ["POST", "/api/sources/:name/resume", "admin"],
  ["GET", "/", "reader"],
  ["GET", "/live", "reader"],
  ["POST", "/theme", "reader"],
  ["POST", "/clock", "reader"],
  ["GET", "/messages", "reader"],
  ["GET", "/messages/replay", "reader"],
  ["POST", "/messages/replay", "admin"],
  ["GET", "/messages/replays", "reader"],
  ["GET", "/messages/many", "reader"],
  ["POST", "/messages/many/:action", "admin"],
  ["GET", "/messages/:id", "reader"],
  ["GET", "/messages/:id/replay", "reader"],
  ["POST", "/messages/:id/replay", "admin"],
  ["POST", "/messages/:id/detach", "admin"],
  ["GET", "/messages/:id/edit", "reader"],
  ["POST", "/messages/:id/edit", "admin"],
  ["POST", "/messages/:id/release", "admin"],
  ["GET", "/messages/:id/delete", "reader"],
  ["POST", "/messages/:id/delete", "admin"],
  ["GET", "/bulk", "reader"],
  ["POST", "/bulk", "admin"],
  ["GET", "/bulk/:id", "reader"],
  ["POST", "/bulk/:id/start", "admin"],
  ["POST", "/bulk/:id/cancel", "admin"],
  ["GET", "/tasks", "reader"],
  ["GET", "/tasks/many", "reader"],
  ["POST", "/tasks/many/:action", "admin"],
  ["GET", "/tasks/:id", "reader"],
  ["POST", "/tasks/:id/cancel", "admin"],
  ["POST", "/tasks/:id/retry", "admin"],
  ["POST", "/tasks/:id/wake", "admin"],
  ["POST", "/tasks/:id/answer", "admin"],
  ["POST", "/tasks/:id/decide", "admin"],
  ["POST", "/tasks/:id/reassign", "admin"],
  ["GET", "/messages/:id/trials", "reader"],
  ["POST", "/messages/:id/trials", "admin"],
  ["GET", "/trials/:id", "reader"],
  ["POST", "/trials/:id/cancel", "admin"],
  ["GET", "/sources/:name/trials", "reader"],
  ["POST", "/sources/:name/trials", "admin"],
  ["GET", "/subjects", "reader"],
  ["GET", "/subjects/:id", "reader"],
  ["POST", "/subjects/:id/stop", "admin"],
  ["POST", "/subjects/:id/resume", "admin"],
  ["GET", "/sources", "reader"],
  ["GET", "/sources/:name", "reader"],
  ["GET", "/sources/:name/connect", "reader"],
  ["POST", "/sources/:name/connect", "admin"],
  ["POST", "/sources/:name/try-secret", "admin"],
  ["GET", "/sources/:name/try", "reader"],
  ["POST", "/sources/:name/try", "admin"],
  ["POST", "/sources/:name/pause", "admin"],
  ["POST", "/sources/:name/resume", "admin"],
  ["GET", "/users", "reader"],
  ["POST", "/users", "admin"],
  ["GET", "/users/:id", "reader"],
  ["POST", "/users/:id", "admin"],
  ["POST", "/users/:id/tokens", "admin"],
  ["POST", "/users/:id/tokens/:token/revoke", "admin"],
  ["GET", "/audit", "reader"],
  ["GET", "/system", "reader"],
  ["POST", "/samples", "admin"],
  ["POST", "/notifications/:id/read", "admin"],
  ["POST", "/notifications/:id/retry", "admin"],
  ["POST", "/needs/seen", "admin"],
  ["GET", "/routes", "reader"],
  ["POST", "/routes/try", "admin"],
  ["POST", "/sources/:name/silence", "admin"],
];

/** Whether a path is one of a route's, whose pattern has names for single parts. */
export function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  return wanted.length === given.length &&
    wanted.every((part, at) => part.startsWith(":") || part === given[at]);
}

/** Whether somebody may make this request. What no route is, a reader may look for. */
export function mayCall(role: Role, method: string, path: string): boolean {
  if (role === "admin") return true;
  const route = routeOf(method, path);
  if (role === "drainer") return route?.[2] === "drainer";
  const isLook = ["GET", "HEAD"].includes(method);
  return route === undefined ? isLook : !["admin", "drainer"].includes(route[2]);
}

/** The route that a request is for; undefined when it is none of ours. */
export function routeOf(method: string, path: string): typeof ACCESS[number] | undefined {
  const asked = method === "HEAD" ? "GET" : method;
  // An exact path before one with names: both may be routes.
  const routes = ACCESS.filter(([its, pattern]) => its === asked && matches(pattern, path));
  return routes.find(([, pattern]) => pattern === path) ?? routes[0];
}

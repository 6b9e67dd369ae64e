/** Who may call a route. */
export type Caller = "anyone" | "agent with its task's token" | "admin";

/**
 * Every route and who may call it. `mod.ts` mounts the routes for anyone and for agents first
 * and the guard before all others, so a route is the admin's unless it was put
 * among the first; a test compares this table with the app, both ways.
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
  ["POST", "/api/tasks/:id/result", "agent with its task's token"],

  ["GET", "/webhook/stats", "admin"],
  ["GET", "/webhook/status", "admin"],
  ["GET", "/metrics", "admin"],
  ["GET", "/openapi.json", "admin"],
  ["GET", "/docs", "admin"],
  ["GET", "/api/stream", "admin"],
  ["GET", "/api/messages", "admin"],
  ["GET", "/api/messages/:id", "admin"],
  ["GET", "/api/messages/:id/body", "admin"],
  ["POST", "/api/messages/:id/replay", "admin"],
  ["POST", "/api/messages/replay", "admin"],
  ["DELETE", "/api/messages/:id", "admin"],
  ["GET", "/api/tasks", "admin"],
  ["GET", "/api/tasks/:id", "admin"],
  ["PATCH", "/api/tasks/:id", "admin"],
  ["POST", "/api/tasks/:id/cancel", "admin"],
  ["POST", "/api/tasks/:id/retry", "admin"],
  ["POST", "/api/tasks/:id/answer", "admin"],
  ["POST", "/api/tasks/:id/approve", "admin"],
  ["POST", "/api/tasks/:id/deny", "admin"],
  ["GET", "/api/users", "admin"],
  ["GET", "/api/users/:id", "admin"],
  ["POST", "/api/users", "admin"],
  ["PATCH", "/api/users/:id", "admin"],
  ["GET", "/api/notifications", "admin"],
  ["GET", "/api/notifications/:id", "admin"],
  ["POST", "/api/notifications/:id/read", "admin"],
  ["POST", "/api/notifications/:id/retry", "admin"],
  ["GET", "/", "admin"],
  ["GET", "/live", "admin"],
  ["POST", "/samples", "admin"],
  ["POST", "/notifications/:id/read", "admin"],
  ["POST", "/notifications/read", "admin"],
];

import {
  createRoute as createZodRoute,
  OpenAPIHono,
  type RouteConfig,
  type z,
} from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { Env } from "./caller.ts";
import { Problem } from "./problem.ts";
import { problem } from "./schemas/problem.ts";

/** A Hono app whose routes check what comes in and describe themselves in `/openapi.json`. */
export function createApi<E extends Env = Env>(): OpenAPIHono<E> {
  return new OpenAPIHono<E>({
    defaultHook(result) {
      if (result.success) return;
      const [issue] = result.error.issues;
      const where = issue.path.length > 0 ? `"${issue.path.join(".")}" ` : "The request ";
      throw new Problem(
        400,
        "bad_request",
        `${where}is not right: ${issue.message}`,
        "GET /openapi.json describes every request",
      );
    },
  });
}

/** An answer with a JSON body, for a route's `responses`. */
export function json<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { "application/json": { schema } } };
}

/** The refusals that any route may answer with. */
export const refusals = {
  400: json("The request is not right", problem),
  401: json("Not signed in", problem),
  403: json("By cookie: from a page of another site", problem),
  408: json("The body came too slowly", problem),
  413: json("The body is too large", problem),
  415: json("The body is not JSON", problem),
  421: json("Not a host that Otto answers for", problem),
  429: json("Too many wrong tokens", problem),
  500: json("Something went wrong inside Otto", problem),
  503: json("A store is away", problem),
};

/** The refusal of routes that need what a message said. */
export const dropped = { 410: json("Its body and headers were dropped by their age", problem) };
export const missing = { 404: json("There is no such thing", problem) };
export const conflict = { 409: json("Not possible in its present state", problem) };

/**
 * A route, with all that describes it. Of the API it takes no other query parameters than these:
 * a filter that is spelled wrong must not find everything. Programs that are made from
 * `/openapi.json` call it by its `operationId`: that stays what it is.
 */
export function createRoute<
  P extends string,
  R extends Omit<RouteConfig, "path" | "operationId"> & { path: P; operationId: string },
>(
  route: R,
): R & ReturnType<typeof createZodRoute<P, R>> {
  const { query } = route.request ?? {};
  const known = Object.keys((query as z.ZodObject | undefined)?.shape ?? {});
  const middleware = route.path.startsWith("/api/") ? [requireKnown(known)] : [];
  return createZodRoute<P, R>({ ...route, middleware });
}

function requireKnown(known: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const unknown = Object.keys(c.req.query()).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw new Problem(
        400,
        "unknown_parameter",
        `There is no query parameter ${JSON.stringify(unknown.slice(0, 64))} here`,
        known.length > 0 ? `Known ones: ${known.join(", ")}` : "This path takes none",
      );
    }
    await next();
  };
}

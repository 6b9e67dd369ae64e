import type { MiddlewareHandler } from "hono";
import type { Env } from "../caller.ts";

/** A form without a script sends its empty fields, too: the URL that people share has none of them. */
export const leanQueries: MiddlewareHandler<Env> = async (c, next) => {
  const { pathname, searchParams } = new URL(c.req.url);
  const full = [...searchParams].filter(([, value]) => value !== "");
  if (c.req.method !== "GET" || full.length === searchParams.size) return await next();
  const query = new URLSearchParams(full).toString();
  return c.redirect(query ? `${pathname}?${query}` : pathname, 302);
};

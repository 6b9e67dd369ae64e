import type { MiddlewareHandler } from "hono";
import type { Phase } from "../../lib/message/search/phase.ts";
import type { Env } from "../caller.ts";

/** What the API calls states and statuses, as the pages' one filter for it does. */
const PHASE_OF: Readonly<Record<string, Readonly<Record<string, Phase>>>> = {
  state: {
    new: "queued",
    processed: "done",
    filtered: "filtered",
    failed: "failed",
    rejected: "refused",
  },
  status: {
    pending: "queued",
    running: "working",
    waiting_input: "needs_you",
    waiting_event: "waiting",
    completed: "done",
    failed: "failed",
    cancelled: "cancelled",
  },
};

/**
 * A form without a script sends its empty fields, too: the URL that people share has none of them,
 * and a state or a status goes by the phase that the page's filter offers.
 */
export const leanQueries: MiddlewareHandler<Env> = async (c, next) => {
  const { pathname, searchParams } = new URL(c.req.url);
  const given = [...searchParams];
  const lean = given.filter(([, value]) => value !== "").map(([name, value]) => {
    const phase = Object.hasOwn(PHASE_OF, name) && Object.hasOwn(PHASE_OF[name], value);
    return phase && !searchParams.get("phase") ? ["phase", PHASE_OF[name][value]] : [name, value];
  });
  const query = new URLSearchParams(lean).toString();
  if (c.req.method !== "GET" || query === new URLSearchParams(given).toString()) {
    return await next();
  }
  return c.redirect(query ? `${pathname}?${query}` : pathname, 302);
};

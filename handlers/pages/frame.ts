import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { currentCursor } from "../../lib/live/change.ts";
import type { Database } from "../../lib/store/database.ts";
import { readNeeds } from "../../lib/monitor/needs/needs.ts";
import type { Env } from "../caller.ts";
import { BARE, type Clock, CLOCKS, type Frame, type Theme, THEMES } from "../views/page.ts";

export const THEME_COOKIE = "otto_theme";
export const CLOCK_COOKIE = "otto_clock";

/**
 * What stands around a page. Read before what is on it, so that the live stream
 * tells again rather than skips what happens meanwhile.
 */
export async function readFrame(
  c: Context<Env>,
  database: Database,
  place: Frame["place"],
): Promise<Frame> {
  const [cursor, { count: needs }] = await Promise.all([
    currentCursor(database),
    readNeeds(database),
  ]);
  const { pathname, search } = new URL(c.req.url);
  const who = c.get("who");
  return {
    place,
    path: pathname + search,
    needs,
    cursor,
    theme: themeOf(getCookie(c, THEME_COOKIE)),
    clock: clockOf(getCookie(c, CLOCK_COOKIE)),
    isReader: who?.role === "reader",
    isSignedIn: who?.isSignedIn ?? false,
  };
}

/** What can be told around a page without the store. */
export function bareFrame(c: Context<Env>): Frame {
  return { ...BARE, theme: themeOf(getCookie(c, THEME_COOKIE)) };
}

export function clockOf(text: string | undefined): Clock {
  return CLOCKS.find((clock) => clock === text) ?? "local";
}

export function themeOf(text: string | undefined): Theme {
  return THEMES.find((theme) => theme === text) ?? "auto";
}

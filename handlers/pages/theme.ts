import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import type { Env } from "../caller.ts";
import { ownPath, readForm } from "./form.ts";
import { CLOCK_COOKIE, clockOf, THEME_COOKIE, themeOf } from "./frame.ts";

const YEAR_SECONDS = 365 * 24 * 60 * 60;
const REMEMBERED = {
  path: "/",
  httpOnly: true,
  sameSite: "Lax",
  maxAge: YEAR_SECONDS,
} as const;

/** `POST /theme` and `POST /clock`: colours, and whose time is shown; remembered by the browser. */
export function themePages(): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/theme", async (c) => {
    const form = await readForm(c.req.raw);
    setCookie(c, THEME_COOKIE, themeOf(form.get("theme") ?? undefined), REMEMBERED);
    return c.redirect(ownPath(form.get("back"), "/"), 303);
  });
  app.post("/clock", async (c) => {
    const form = await readForm(c.req.raw);
    setCookie(c, CLOCK_COOKIE, clockOf(form.get("clock") ?? undefined), REMEMBERED);
    return c.redirect(ownPath(form.get("back"), "/"), 303);
  });
  return app;
}

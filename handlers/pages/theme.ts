import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import type { Env } from "../caller.ts";
import { ownPath, readForm } from "./form.ts";
import { THEME_COOKIE, themeOf } from "./frame.ts";

const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** `POST /theme`: light, dark or as the system has it, remembered by the browser. */
export function themePages(): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/theme", async (c) => {
    const form = await readForm(c.req.raw);
    setCookie(c, THEME_COOKIE, themeOf(form.get("theme") ?? undefined), {
      path: "/",
      httpOnly: true,
      sameSite: "Lax",
      maxAge: YEAR_SECONDS,
    });
    return c.redirect(ownPath(form.get("back"), "/"), 303);
  });
  return app;
}

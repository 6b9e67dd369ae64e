import { Hono } from "hono";
import type { Env } from "./caller.ts";
import { docsPage, type Document } from "./views/docs.ts";

/** `GET /openapi.json` and its page `/docs`, made here and not by a script from elsewhere. */
export function docs({ document }: { document: () => Document }): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/openapi.json", (c) => c.json(document()));
  app.get("/docs", (c) => c.html(docsPage(document())));
  return app;
}

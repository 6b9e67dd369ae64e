import { type Context, Hono } from "hono";
import type { Services } from "../../lib/services.ts";
import type { Env } from "../caller.ts";
import { withExamples } from "../views/docs/examples.ts";
import { originFor } from "./form.ts";
import { bareFrame, readFrame } from "./frame.ts";
import { docsPage, type Document } from "../views/docs/docs.ts";

/** `GET /openapi.json` and its page `/docs`, made here and not by a script from elsewhere. */
export function docs(
  { services: { config, database }, document }: {
    services: Services;
    document: () => Document;
  },
): Hono<Env> {
  let described: Document | undefined;
  const read = () => described ??= withExamples(document());

  /** The API can be read about while the store is away. */
  const frameOf = (c: Context<Env>) => readFrame(c, database, "docs").catch(() => bareFrame(c));

  const app = new Hono<Env>();
  app.get("/openapi.json", (c) => c.json(read()));
  app.get("/docs", async (c) => {
    const origin = originFor(config, c.req.raw);
    return c.html(docsPage(read(), { frame: await frameOf(c), origin }));
  });
  return app;
}

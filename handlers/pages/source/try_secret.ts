import { Hono } from "hono";
import type { Env } from "../../caller.ts";
import { requireSource } from "../../require_source.ts";
import { triedPage } from "../../views/source/tried.ts";
import { trySecret } from "../../../lib/work/verify/try_secret.ts";
import { readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import type { PageOptions } from "../options.ts";

/** The box on a source's page for a value that may be its sender's secret. */
export function trySecretPages(
  parts: Pick<PageOptions, "services" | "pauses" | "verifier" | "sourceInfos">,
): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/sources/:name/try-secret", async (c) => {
    const name = await requireSource(parts, c.req.param("name"));
    const form = await readForm(c.req.raw);
    const frame = await readFrame(c, parts.services.database, "sources");
    const tried = await trySecret(parts, name, form.get("secret") ?? "");
    const info = await parts.sourceInfos.of(name);
    c.header("cache-control", "no-store");
    return c.html(triedPage({ frame, info, tried }));
  });
  return app;
}

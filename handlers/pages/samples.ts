import { Hono } from "hono";
import type { Env } from "../caller.ts";
import { Problem } from "../problem.ts";
import { isSeen } from "../../lib/monitor/source_names.ts";
import { isType } from "../webhook_type.ts";
import { makeSample } from "../webhook/sample.ts";
import { GENERIC } from "../../sources/rules/registry.ts";
import { originFor, ownPath, readForm } from "./form.ts";
import type { PageOptions } from "./options.ts";

/** `POST /samples`: a webhook as a sender would send it, at the press of a button. */
export function samplePages(
  { services, receive }: Pick<PageOptions, "services" | "receive">,
): Hono<Env> {
  let turn = 0;
  const app = new Hono<Env>();
  app.post("/samples", async (c) => {
    const form = await readForm(c.req.raw);
    const origin = originFor(services.config, c.req.raw);
    const its = await sampleOf(services, form.get("source") ?? "");
    const sample = { ...its, origin, turn: turn++ };
    const response = await receive(await makeSample(services, sample));
    if (!response.ok) throw await refusal(response);
    await response.body?.cancel();
    return c.redirect(ownPath(form.get("back"), "/"), 303);
  });
  return app;
}

/** Of a name that nobody knows, and that has come, it is what any system could send by that name. */
async function sampleOf({ sources, database }: PageOptions["services"], asked: string) {
  const isUnknown = !Object.hasOwn(sources.all, asked) && isType(asked);
  return isUnknown && await isSeen(database, asked)
    ? { name: GENERIC, path: `/webhook/${asked}` }
    : { name: asked };
}

/** What our own gate said to a sample, said again to the person who sent it. */
async function refusal(response: Response): Promise<Problem> {
  const { error } = await response.json().catch(() => ({})) as {
    error?: { code: string; message: string; hint: string };
  };
  return new Problem(
    response.status,
    error?.code ?? "sample_refused",
    error?.message ?? `The sample was answered with ${response.status}`,
    error?.hint ?? "The log has the reason",
  );
}

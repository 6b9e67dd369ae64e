import { Hono } from "hono";
import type { Env } from "../caller.ts";
import { Problem } from "../problem.ts";
import { makeSample } from "../webhook/sample.ts";
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
    const name = form.get("source") ?? "";
    const origin = originFor(services.config, c.req.raw);
    const response = await receive(await makeSample(services, { name, origin, turn: turn++ }));
    if (!response.ok) throw await refusal(response);
    await response.body?.cancel();
    return c.redirect(ownPath(form.get("back"), "/"), 303);
  });
  return app;
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

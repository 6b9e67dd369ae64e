import { type Context, Hono } from "hono";
import { faultOf } from "../lib/editable.ts";
import { isId } from "../lib/id.ts";
import { readMessage } from "../lib/message.ts";
import type { Services } from "../lib/services.ts";
import type { Env } from "./caller.ts";
import { keepTyped, requireEditable } from "./edit.ts";
import { asked } from "./form.ts";
import { readFrame } from "./frame.ts";
import { notFound, Problem } from "./problem.ts";
import { editPage } from "./views/edit_page.ts";

/** `/messages/{id}/edit`: a message again, with what a person has changed in its body. */
export function editPages({ services }: { services: Services }): Hono<Env> {
  const { config, database } = services;
  const app = new Hono<Env>();

  app.get("/messages/:id/edit", async (c) => {
    const message = await theMessage(c);
    const frame = await readFrame(c, database, "messages");
    try {
      const editable = requireEditable(config, message);
      const isIndented = editable.indented !== undefined && asked(c, "as") !== "received";
      const text = isIndented ? editable.indented! : editable.text;
      return c.html(editPage({ frame, message, editable, text, isIndented }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      c.status(409);
      return c.html(editPage({ frame, message, problem: error }));
    }
  });

  app.post("/messages/:id/edit", async (c) => {
    const message = await theMessage(c);
    const editable = requireEditable(config, message);
    const form = await c.req.raw.formData().catch(() => new FormData());
    const typed = form.get("body");
    if (typeof typed !== "string") {
      throw new Problem(400, "bad_request", "The form has no body", "Open the page again");
    }
    const again = async (status: 413 | 422, said: Parameters<typeof editPage>[0]) => {
      c.status(status);
      return await c.html(editPage(said));
    };
    const frame = await readFrame(c, database, "messages");
    const fault = form.has("as_is") ? undefined : faultOf(editable, typed);
    // A browser sends one line feed as two bytes, and the place is counted in lines.
    if (fault) return again(422, { frame, message, editable, text: typed, fault });
    try {
      const made = await keepTyped(services, message, typed);
      return made
        ? c.redirect(`/messages/${made.message_id}`, 303)
        // Nothing was changed: an ordinary replay, which keeps what is known of the sender.
        : c.redirect(`/messages/${message.message_id}/replay`, 307);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 413) throw error;
      return again(413, { frame, message, editable, text: typed, problem: error });
    }
  });

  async function theMessage(c: Context<Env>) {
    const id = c.req.param("id") ?? "";
    const found = isId(id) ? await readMessage(database, id) : undefined;
    if (!found) throw notFound("message");
    return found;
  }
  return app;
}

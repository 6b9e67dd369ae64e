import { Hono } from "hono";
import { faultOf } from "../../../lib/message/edit.ts";
import { createNames } from "../../../sources/rules/names.ts";
import type { WholeMessage } from "../../../lib/message/message.ts";
import type { Services } from "../../../lib/services.ts";
import { noteAct } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { keepTyped, requireEditable } from "../../webhook/redeliver_edited.ts";
import { asked } from "../form.ts";
import { readFrame } from "../frame.ts";
import { Problem } from "../../problem.ts";
import { requireMessage } from "../../../lib/work/verify/require_message.ts";
import { editPage } from "../../views/message/edit.ts";

/** `/messages/{id}/edit`: a message again, with what a person has changed in its body. */
export function editPages({ services }: { services: Services }): Hono<Env> {
  const { database } = services;
  const nameOf = createNames(services.sources);
  const secretsOf = ({ webhook_type }: WholeMessage) =>
    services.sources.find(webhook_type).source.secretNames;
  const app = new Hono<Env>();

  app.get("/messages/:id/edit", async (c) => {
    const message = await requireMessage(database, c.req.param("id"));
    const frame = await readFrame(c, database, "messages");
    const around = { frame, message, sourceName: nameOf(message), secretNames: secretsOf(message) };
    try {
      const editable = requireEditable(services, message);
      const isIndented = editable.indented !== undefined && asked(c, "as") !== "received";
      const text = isIndented ? editable.indented! : editable.text;
      return c.html(editPage({ ...around, editable, text, isIndented }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      c.status(409);
      return c.html(editPage({ ...around, problem: error }));
    }
  });

  app.post("/messages/:id/edit", async (c) => {
    const message = await requireMessage(database, c.req.param("id"));
    const editable = requireEditable(services, message);
    const form = await c.req.raw.formData().catch(() => new FormData());
    const typed = form.get("body");
    if (typeof typed !== "string") {
      throw new Problem(400, "bad_request", "The form has no body", "Open the page again");
    }
    const again = async (status: 413 | 422, page: Parameters<typeof editPage>[0]) => {
      c.status(status);
      return await c.html(editPage(page));
    };
    const frame = await readFrame(c, database, "messages");
    const said = {
      frame,
      message,
      sourceName: nameOf(message),
      secretNames: secretsOf(message),
      editable,
      text: typed,
    };
    const fault = form.has("as_is") ? undefined : faultOf(editable, typed);
    if (fault) return again(422, { ...said, fault });
    try {
      const made = await keepTyped(services, message, typed);
      noteAct(c, { ids: made && [made.message_id], detail: { changed: made !== undefined } });
      return made
        ? c.redirect(`/messages/${made.message_id}`, 303)
        // Nothing was changed: an ordinary replay, which keeps what is known of the sender.
        : c.redirect(`/messages/${message.message_id}/replay`, 307);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 413) throw error;
      return again(413, { ...said, problem: error });
    }
  });
  return app;
}

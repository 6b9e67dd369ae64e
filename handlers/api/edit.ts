import { MOST_EDITED_BYTES } from "../../lib/message/edit.ts";
import type { Services } from "../../lib/services.ts";
import { noteAct } from "../acts.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { requireMessage } from "../../lib/work/verify/require_message.ts";
import { idParam } from "../schemas/fields.ts";
import { edit, replay } from "../schemas/message.ts";
import { keepEdit, requireEditable } from "../webhook/redeliver_edited.ts";

/** `POST /api/messages/{id}/edit`: a message again, with another body. */
export function edits({ services }: { services: Services }) {
  return createApi().openapi(
    createRoute({
      method: "post",
      path: "/api/messages/{id}/edit",
      operationId: "replayEditedMessage",
      summary: "Work a message again with another body: a new message that nobody vouches for",
      description: `At most ${MOST_EDITED_BYTES / 1024} KiB of text. Headers that vouch for the ` +
        "old bytes are left out. A body that is the same, byte for byte, is an ordinary replay.",
      request: {
        params: idParam,
        body: { content: { "application/json": { schema: edit } }, required: true },
      },
      responses: {
        201: json("The new message's id; it is unverified, and marked as edited", replay),
        307: { description: "The body is the same: its ordinary replay is at Location" },
        ...missing,
        ...conflict,
        ...refusals,
      },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const message = await requireMessage(services.database, id);
      requireEditable(services, message);
      const { body } = c.req.valid("json");
      // Here the text is what it is: only a browser's form changes line ends.
      const bytes = new TextEncoder().encode(body);
      if (isSame(bytes, message.body)) {
        noteAct(c, { detail: { changed: false } });
        return c.redirect(`/api/messages/${message.message_id}/replay`, 307);
      }
      const made = await keepEdit(services, message, bytes);
      noteAct(c, { ids: [made.message_id], detail: { changed: true } });
      return c.json(made, 201);
    },
  );
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, at) => byte === other[at]);
}

import { errorText } from "../../lib/process/log.ts";
import { decodeText } from "../../sources/kit/body/charset.ts";
import type { Services } from "../../lib/services.ts";
import { maskHeaders, maskUrl } from "../../lib/redaction/mask.ts";
import type { Message, WholeMessage } from "../../lib/message/message.ts";
import { searchMessages } from "../../lib/message/search/search.ts";
import { deleteMessage } from "../../lib/message/delete.ts";
import { parseContent } from "../../sources/kit/body/content.ts";
import type { Registry } from "../../sources/rules/registry.ts";
import { readTask } from "../../lib/task/task.ts";
import { actorOf, noteAct } from "../acts.ts";
import { maskedIn } from "../masked.ts";
import { createApi } from "../openapi.ts";
import { notFound } from "../problem.ts";
import { shownMessage } from "../shown_message.ts";
import { requireContents, requireMessage } from "../../lib/work/verify/require_message.ts";
import type { Redeliverer } from "../../lib/work/verify/redeliver.ts";
import { foundPage } from "../schemas/fields.ts";
import { toMessageSearch } from "../schemas/message_filter.ts";
import { detach } from "./detach.ts";
import * as routes from "./message_routes.ts";

/** Parsing more than this would keep senders waiting meanwhile. */
const MOST_PARSED_BYTES = 1024 * 1024;

/** `/api/messages`: list, read, replay, detach, delete. */
export function messages(
  { services, redeliverer }: {
    services: Services;
    redeliverer: Redeliverer;
  },
) {
  const { database, sources } = services;
  return createApi()
    .openapi(routes.LIST, async (c) => {
      const { cursor, limit, group, ...filter } = c.req.valid("query");
      const { items, ...more } = await searchMessages(
        database,
        { ...toMessageSearch(filter), group, before: cursor, ...maskedIn(sources) },
        { limit, sources: Object.keys(sources.all) },
      );
      const found = { items: items.map((item) => shown(sources, item)), ...more };
      return c.json(foundPage(found), 200);
    })
    .openapi(routes.READ, async (c) => {
      const found = await requireMessage(database, c.req.valid("param").id);
      return c.json(shownWhole(sources, shownMessage(sources, found)), 200);
    })
    .openapi(routes.READ_BODY, async (c) => {
      const { id } = c.req.valid("param");
      const kept = await requireMessage(database, id);
      requireContents(kept);
      const found = shownMessage(sources, kept);
      // A sender chose these bytes: they are saved, never shown as a page.
      return c.body(found.body as Uint8Array<ArrayBuffer>, 200, {
        "content-type": "application/octet-stream",
        "content-disposition": `attachment; filename="${id}.bin"`,
      });
    })
    .openapi(routes.REPLAY, async (c) => {
      const made = await redeliverer.redeliverOne(c.req.valid("param").id);
      if (!made) throw notFound("message");
      noteAct(c, { ids: [made.message_id] });
      return c.json(made, 201);
    })
    .openapi(routes.DETACH, async (c) => {
      const { id } = c.req.valid("param");
      const taskId = await detach(services, { id, actor: actorOf(c) });
      noteAct(c, { detail: { task_id: taskId } });
      const made = await readTask(database, taskId);
      if (!made) throw notFound("task");
      return c.json(made, 201);
    })
    .openapi(routes.REMOVE, async (c) => {
      if (!await deleteMessage(database, c.req.valid("param").id)) throw notFound("message");
      return c.body(null, 204);
    });
}

/** One message with its headers and, if it may be parsed, its payload. */
function shownWhole(sources: Registry, { headers, body, ...rest }: WholeMessage) {
  const { secretNames } = sources.find(rest.webhook_type).source;
  const leftOut = rest.dropped
    ? "dropped by its age: see BODY_RETENTION_DAYS"
    : body.byteLength < rest.size
    ? "too large to keep for a refused message"
    : body.byteLength > MOST_PARSED_BYTES
    ? `too large to show: GET /api/messages/${rest.message_id}/body`
    : undefined;
  return {
    ...shown(sources, rest),
    headers: maskHeaders(headers, secretNames),
    ...(leftOut === undefined
      ? { payload: payloadOf(body, headers) }
      : { payload: null, payload_left_out: leftOut }),
  };
}

/** A message as it leaves Otto: tokens in its URL are masked. */
export function shown(sources: Registry, found: Message): Message {
  const { source } = sources.find(found.webhook_type);
  return { ...found, url: maskUrl(found.url, source.secretNames) };
}

/** The payload of a body; what cannot be parsed comes as text under `raw_body`. */
export function payloadOf(body: Uint8Array, headers: Headers): unknown {
  try {
    return parseContent(body, headers, MOST_PARSED_BYTES).payload;
  } catch (error) {
    return { raw_body: headers.has("content-encoding") ? errorText(error) : decodeText(body) };
  }
}

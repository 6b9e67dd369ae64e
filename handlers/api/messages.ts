import { z } from "@hono/zod-openapi";
import { isId } from "../../lib/store/id.ts";
import { maskHeaders, maskUrl } from "../../lib/redaction/mask.ts";
import {
  deleteMessage,
  listMessages,
  type Message,
  MESSAGE_STATES,
} from "../../lib/message/message.ts";
import { parsePayload } from "../../sources/kit/payload.ts";
import type { Services } from "../../lib/services.ts";
import type { Registry } from "../../sources/rules/registry.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { notFound } from "../problem.ts";
import { requireMessage } from "../require_message.ts";
import type { Redeliverer } from "../webhook/redeliver.ts";
import { idParam, listOf, page } from "../schemas/fields.ts";
import { message, notReplayed, replay, wholeMessage } from "../schemas/message.ts";

const MOST_REPLAYS = 500;
/** Parsing more than this would keep senders waiting meanwhile. */
const MOST_PARSED_BYTES = 1024 * 1024;

const filter = z.object({
  ...page,
  state: z.enum(MESSAGE_STATES).optional(),
  webhook_type: z.string().max(64).optional(),
  source: z.string().max(64).optional(),
  task_id: z.string().refine(isId, { error: "must be a task's id" }).optional(),
});

/** `/api/messages`: list, read, replay, delete. */
export function messages(
  { services: { database, sources }, redeliverer }: {
    services: Services;
    redeliverer: Redeliverer;
  },
) {
  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/api/messages",
        summary: "Messages, newest first",
        request: { query: filter },
        responses: { 200: json("A page of messages", listOf(message)), ...refusals },
      }),
      async (c) => {
        const { cursor, ...query } = c.req.valid("query");
        const items = await listMessages(database, { ...query, before: cursor });
        return c.json({
          items: items.map((item) => shown(sources, item)),
          next: items.length === query.limit ? items.at(-1)!.message_id : null,
        }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/api/messages/{id}",
        summary: "One message with its headers and payload",
        request: { params: idParam },
        responses: { 200: json("The message", wholeMessage), ...missing, ...refusals },
      }),
      async (c) => {
        const found = await requireMessage(database, c.req.valid("param").id);
        const { headers, body, ...rest } = found;
        return c.json({
          ...shown(sources, rest),
          headers: maskHeaders(headers, sources.find(rest.webhook_type).source.secretNames),
          ...(body.byteLength < rest.size
            ? { payload: null, payload_left_out: "too large to keep for a refused message" }
            : body.byteLength > MOST_PARSED_BYTES
            ? {
              payload: null,
              payload_left_out: `too large to show: GET /api/messages/${rest.message_id}/body`,
            }
            : { payload: payloadOf(body, headers.get("content-type")) }),
        }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/api/messages/{id}/body",
        summary: "The body, byte for byte as it was received",
        request: { params: idParam },
        responses: {
          200: {
            description: "The bytes, as a file to save",
            content: { "application/octet-stream": { schema: z.string() } },
          },
          ...missing,
          ...refusals,
        },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const found = await requireMessage(database, id);
        // A sender chose these bytes: they are saved, never shown as a page.
        return c.body(found.body as Uint8Array<ArrayBuffer>, 200, {
          "content-type": "application/octet-stream",
          "content-disposition": `attachment; filename="${id}.bin"`,
        });
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/messages/{id}/replay",
        summary: "Work a message again: a new message with the same bytes, verified anew",
        request: { params: idParam },
        responses: {
          201: json("The new message's id", replay),
          ...missing,
          ...conflict,
          ...refusals,
        },
      }),
      async (c) => {
        const made = await redeliverer.redeliverOne(c.req.valid("param").id);
        if (!made) throw notFound("message");
        return c.json(made, 201);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/messages/replay",
        summary: "Work many messages again",
        request: {
          body: {
            content: {
              "application/json": {
                schema: z.strictObject({
                  ids: z.array(z.string().refine(isId, { error: "must be a message's id" }))
                    .min(1).max(MOST_REPLAYS),
                }),
              },
            },
            required: true,
          },
        },
        responses: {
          201: json(
            "The new messages' ids, and those that are not right any more; missing ones are left out",
            z.object({ items: z.array(replay), refused: z.array(notReplayed) }),
          ),
          ...refusals,
        },
      }),
      async (c) => {
        const { ids } = c.req.valid("json");
        return c.json(await redeliverer.redeliverAll(ids), 201);
      },
    )
    .openapi(
      createRoute({
        method: "delete",
        path: "/api/messages/{id}",
        summary: "Remove a message, its task and its notifications",
        request: { params: idParam },
        responses: { 204: { description: "It is gone" }, ...missing, ...refusals },
      }),
      async (c) => {
        if (!await deleteMessage(database, c.req.valid("param").id)) throw notFound("message");
        return c.body(null, 204);
      },
    );
}

/** A message as it leaves Otto: tokens in its URL are masked. */
export function shown(sources: Registry, found: Message): Message {
  const { source } = sources.find(found.webhook_type);
  return { ...found, url: maskUrl(found.url, source.secretNames) };
}

/** The payload of a body; what cannot be parsed comes as text under `raw_body`. */
export function payloadOf(body: Uint8Array, contentType: string | null): unknown {
  try {
    return parsePayload(body, contentType ?? undefined);
  } catch {
    return { raw_body: new TextDecoder().decode(body) };
  }
}

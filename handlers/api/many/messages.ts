import { deleteMessage } from "../../../lib/message/delete.ts";
import { findMessageIds } from "../../../lib/message/search/search.ts";
import type { Services } from "../../../lib/services.ts";
import { z } from "@hono/zod-openapi";
import { conflict, createApi, json, refusals } from "../../openapi.ts";
import { count } from "../../schemas/fields.ts";
import { notReplayed, replay } from "../../schemas/message.ts";
import { chosen } from "../../schemas/many.ts";
import { messageFilter, toMessageSearch } from "../../schemas/message_filter.ts";
import { type Redeliverer, redeliverInParts } from "../../webhook/redeliver.ts";
import { release, type ReleaseParts } from "../../webhook/release.ts";
import { type Acted, actOnAll, idsOf, manyRoute, noteMany, requireDone } from "./many.ts";

/** What the buttons and routes for many messages are made with. */
export interface ManyParts extends ReleaseParts {
  services: Services;
  redeliverer: Redeliverer;
}

/** What can be done to many messages, by the last part of its path. */
export const MESSAGE_ACTIONS: Record<
  "release" | "replay" | "delete",
  (parts: ManyParts, ids: readonly string[]) => Promise<Acted>
> = {
  release: (parts, ids) => actOnAll(ids, async (id) => void await release(parts, id)),
  async replay({ redeliverer }, ids) {
    const { items, refused } = await replayAll(redeliverer, ids);
    return {
      done: items.length,
      ids: items.map(({ message_id }) => message_id),
      refused: refused.map(({ message_id: id, ...why }) => ({ id, ...why })),
    };
  },
  delete: ({ services: { database } }, ids) =>
    actOnAll(ids, async (id) => requireDone("message", await deleteMessage(database, id))),
};

/** `POST /api/messages/release|replay|delete`: what is done to one, done to many. */
export function manyMessages(parts: ManyParts) {
  const { database } = parts.services;
  const which = chosen(messageFilter);
  const find = (filter: Parameters<typeof toMessageSearch>[0], most: number) =>
    findMessageIds(database, toMessageSearch(filter), { most });
  return createApi()
    .openapi(
      manyRoute("/api/messages/release", "releaseMessages", {
        summary: "Verify refused messages again, and work them",
        schema: which,
      }),
      async (c) => {
        const asked = c.req.valid("json");
        noteMany(c, { chosen: asked });
        const ids = await idsOf(asked, find);
        noteMany(c, { ids });
        const acted = await MESSAGE_ACTIONS.release(parts, ids);
        noteMany(c, { acted });
        return c.json(acted, 200);
      },
    )
    .openapi(
      {
        ...manyRoute("/api/messages/replay", "replayMessages", {
          summary: "Work messages again: new ones, same bytes",
          schema: which,
        }),
        responses: {
          201: json(
            "The new messages' ids, and those that are not right any more; missing ones are left out",
            z.object({ done: count, items: z.array(replay), refused: z.array(notReplayed) }),
          ),
          ...conflict,
          ...refusals,
        },
      },
      async (c) => {
        const asked = c.req.valid("json");
        noteMany(c, { chosen: asked });
        const ids = await idsOf(asked, find);
        noteMany(c, { ids });
        const { items, refused } = await replayAll(parts.redeliverer, ids);
        noteMany(c, { acted: { done: items.length, refused } });
        return c.json({ done: items.length, items, refused }, 201);
      },
    )
    .openapi(
      manyRoute("/api/messages/delete", "deleteMessages", {
        summary: "Remove messages, their tasks, what was told",
        schema: which,
      }),
      async (c) => {
        const asked = c.req.valid("json");
        noteMany(c, { chosen: asked });
        const ids = await idsOf(asked, find);
        noteMany(c, { ids });
        const acted = await MESSAGE_ACTIONS.delete(parts, ids);
        noteMany(c, { acted });
        return c.json(acted, 200);
      },
    );
}

/** All that was made, and what was refused. */
async function replayAll(redeliverer: Redeliverer, ids: readonly string[]) {
  const all: Awaited<ReturnType<Redeliverer["redeliverAll"]>> = { items: [], refused: [] };
  for await (const { items, refused } of redeliverInParts(redeliverer, ids)) {
    all.items.push(...items);
    all.refused.push(...refused);
  }
  return all;
}

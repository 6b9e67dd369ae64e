import { findMessageIds } from "../../../lib/message/search/search.ts";
import type { ActParts } from "../../../lib/work/bulk/acts.ts";
import { z } from "@hono/zod-openapi";
import { maskedIn } from "../../masked.ts";
import { conflict, createApi, json, refusals } from "../../openapi.ts";
import { bulkAction } from "../../schemas/bulk.ts";
import { count } from "../../schemas/fields.ts";
import { notReplayed, replay } from "../../schemas/message.ts";
import { chosen } from "../../schemas/many.ts";
import { messageFilter, toMessageSearch } from "../../schemas/message_filter.ts";
import { type Redeliverer, redeliverInParts } from "../../../lib/work/verify/redeliver.ts";
import {
  type Acted,
  actOnAll,
  actOnChosen,
  actOnEach,
  type Finder,
  manyRoute,
  placeOf,
} from "./many.ts";

/** What can be done to many messages, by the last part of its path. */
export const MESSAGE_ACTIONS: Record<
  "release" | "replay" | "delete",
  (parts: ActParts, ids: readonly string[], actor: string) => Promise<Acted>
> = {
  release: (parts, ids, actor) => actOnAll(parts, "release", { ids, actor }),
  async replay({ redeliverer }, ids) {
    const { items, refused } = await replayAll(redeliverer, ids);
    return {
      done: items.length,
      ids: items.map(({ message_id }) => message_id),
      refused: refused.map(({ message_id: id, ...why }) => ({ id, ...why })),
    };
  },
  delete: (parts, ids, actor) => actOnAll(parts, "delete", { ids, actor }),
};

/** `POST /api/messages/release|replay|delete`: what is done to one, done to many. */
export function manyMessages(parts: ActParts) {
  const { database } = parts.services;
  const which = chosen(messageFilter);
  type Filter = Parameters<typeof toMessageSearch>[0];
  const finder: Finder<Filter> = {
    database,
    find: (filter, most, before) =>
      findMessageIds(database, {
        ...toMessageSearch(filter),
        ...maskedIn(parts.services.sources),
        before,
      }, { most }),
  };
  return createApi()
    .openapi(
      manyRoute("/api/messages/release", "releaseMessages", {
        summary: "Verify refused messages again, and work them",
        schema: which,
      }),
      (c) => actOnEach(c, { parts, action: "release", chosen: c.req.valid("json"), finder }),
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
          202: json("They are worked in the background: GET /api/bulk/{id}", bulkAction),
          ...conflict,
          ...refusals,
        },
      },
      async (c) => {
        const meant = await actOnChosen(c, {
          action: "replay",
          chosen: c.req.valid("json"),
          finder,
          async act(ids) {
            const { items, refused } = await replayAll(parts.redeliverer, ids);
            return { done: items.length, items, refused };
          },
        });
        if ("bulk" in meant) return c.json(meant.bulk, 202, placeOf(meant.bulk));
        return c.json(meant.acted, 201);
      },
    )
    .openapi(
      manyRoute("/api/messages/delete", "deleteMessages", {
        summary: "Remove messages, their tasks, what was told",
        schema: which,
      }),
      (c) => actOnEach(c, { parts, action: "delete", chosen: c.req.valid("json"), finder }),
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

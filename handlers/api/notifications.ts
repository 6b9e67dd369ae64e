import { z } from "@hono/zod-openapi";
import {
  markRead,
  type Notification,
  readNotification,
  retryNotification,
} from "../../lib/notify/notification.ts";
import { searchNotifications } from "../../lib/notify/search.ts";
import type { Services } from "../../lib/services.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { notFound, Problem } from "../problem.ts";
import { foundPage, idParam, page, searchOf } from "../schemas/fields.ts";
import { notification, notificationFilter } from "../schemas/notification.ts";

const filter = notificationFilter.extend({
  ...page,
  // In a URL all are texts.
  unread: z.stringbool().optional().openapi({
    type: "boolean",
    description: "Only those in the web UI that nobody has read",
  }),
});

/** `/api/notifications`: list, read, mark as read, try again. */
export function notifications({ services: { database } }: { services: Services }) {
  async function theNotification(id: string): Promise<Notification> {
    const found = await readNotification(database, id);
    if (!found) throw notFound("notification");
    return found;
  }

  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/api/notifications",
        operationId: "listNotifications",
        summary: "Notifications that match, newest first",
        description: "One request looks through so many and no more, and says so: `stopped`",
        request: { query: filter },
        responses: { 200: json("A page of notifications", searchOf(notification)), ...refusals },
      }),
      async (c) => {
        const { cursor, limit, ...filter } = c.req.valid("query");
        const search = { ...filter, before: cursor };
        return c.json(foundPage(await searchNotifications(database, search, limit)), 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/api/notifications/{id}",
        operationId: "getNotification",
        summary: "One notification",
        request: { params: idParam },
        responses: { 200: json("The notification", notification), ...missing, ...refusals },
      }),
      async (c) => c.json(await theNotification(c.req.valid("param").id), 200),
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/notifications/{id}/read",
        operationId: "readNotification",
        summary: "Mark a notification as read",
        request: { params: idParam },
        responses: { 200: json("The notification", notification), ...missing, ...refusals },
      }),
      async (c) => {
        const read = await markRead(database, c.req.valid("param").id);
        if (!read) throw notFound("notification");
        return c.json(read, 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/notifications/{id}/retry",
        operationId: "retryNotification",
        summary: "Give a dead notification another round of tries",
        request: { params: idParam },
        responses: {
          200: json("The notification", notification),
          ...missing,
          ...conflict,
          ...refusals,
        },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const again = await retryNotification(database, id);
        if (!again) {
          const { state } = await theNotification(id);
          throw new Problem(
            409,
            "wrong_state",
            `A notification that is ${state} cannot be tried again`,
            "Only a dead one can be",
          );
        }
        return c.json(again, 200);
      },
    );
}

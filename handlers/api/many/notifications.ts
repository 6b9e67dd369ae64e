import { findNotificationIds } from "../../../lib/notify/search.ts";
import type { ActParts } from "../../../lib/work/bulk/acts.ts";
import { createApi } from "../../openapi.ts";
import { chosen } from "../../schemas/many.ts";
import { notificationFilter } from "../../schemas/notification.ts";
import { actOnEach, type Finder, manyRoute } from "./many.ts";

/** `POST /api/notifications/read`: what is done to one, done to many. */
export function manyNotifications(parts: ActParts) {
  const { database } = parts.services;
  const finder: Finder<Parameters<typeof findNotificationIds>[1]> = {
    database,
    find: (filter, most, before) => findNotificationIds(database, { ...filter, before }, most),
  };
  return createApi().openapi(
    manyRoute("/api/notifications/read", "readNotifications", {
      summary: "Mark notifications as read",
      schema: chosen(notificationFilter),
    }),
    (c) => actOnEach(c, { parts, action: "read", chosen: c.req.valid("json"), finder }),
  );
}

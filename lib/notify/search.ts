import type { Database, Fragment, Sql } from "../store/database.ts";
import { findAlong, idBounds, type SearchStop, type Walk } from "../store/walk.ts";
import { findNotifications, type Notification } from "./notification.ts";

/** What to look for among the notifications; what is left out does not matter. */
export interface NotificationSearch {
  /** Only those in the web UI that nobody has read. */
  unread?: boolean;
  task_id?: string;
  channel?: string;
  state?: Notification["state"];
  /** Only notifications older than this id. */
  before?: string;
}

export interface NotificationMatch {
  items: Notification[];
  /** Where to go on; undefined when there is nothing older. */
  next?: string;
  /** Only where there may be more because the search stopped. */
  stopped?: SearchStop;
}

/** Notifications that match, newest first. */
export async function searchNotifications(
  database: Database,
  search: NotificationSearch,
  limit: number,
): Promise<NotificationMatch> {
  const { ids, ...more } = await findAlong(database, "search notifications", (sql) => ({
    walks: [walkOf(sql, search)],
    columns: "task_id, channel, state, read_at",
    matches: matches(sql, search),
  }), { limit });
  const items = ids.length > 0 ? await findNotifications(database, ids) : [];
  return { items: items.sort((one, other) => one.id < other.id ? 1 : -1), ...more };
}

function walkOf(sql: Sql, { unread, task_id, state, before }: NotificationSearch): Walk {
  const its = task_id
    ? sql`task_id = ${task_id}`
    : unread
    ? sql`channel = 'web' and read_at is null`
    : state === "pending"
    ? sql`state = 'pending'`
    : state === "dead"
    ? sql`state = 'dead'`
    : sql`true`;
  return {
    from: sql`notifications`,
    where: sql`${its} and ${idBounds(sql, { before: before?.toLowerCase() })}`,
    order: "id desc",
  };
}

function matches(sql: Sql, { unread, task_id, channel, state }: NotificationSearch): Fragment {
  return sql`true
    ${unread ? sql`and channel = 'web' and read_at is null` : sql``}
    ${task_id ? sql`and task_id = ${task_id}` : sql``}
    ${channel ? sql`and channel = ${channel}` : sql``}
    ${state ? sql`and state = ${state}` : sql``}`;
}

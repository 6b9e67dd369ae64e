import type { Database, Fragment, Sql } from "../store/database.ts";
import {
  findAlong,
  type FoundIds,
  type FoundItems,
  idBounds,
  loadFound,
  type Walk,
} from "../store/walk.ts";
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

/** Notifications that match, newest first. */
export async function searchNotifications(
  database: Database,
  search: NotificationSearch,
  limit: number,
): Promise<FoundItems<Notification>> {
  const found = await findNotificationIds(database, search, limit);
  return await loadFound(found, (ids) => findNotifications(database, ids), ({ id }) => id);
}

/** A task is told of a few times; this many are all of them. */
const MOST_OF_TASK = 100;

/** What was told of a task, newest first. */
export async function listTaskNotifications(
  database: Database,
  taskId: string,
): Promise<Notification[]> {
  return (await searchNotifications(database, { task_id: taskId }, MOST_OF_TASK)).items;
}

/** Their ids, and whether these are all. */
export async function findNotificationIds(
  database: Database,
  search: NotificationSearch,
  limit: number,
): Promise<FoundIds> {
  return await findAlong(database, "search notifications", (sql) => ({
    walks: [walkOf(sql, search)],
    columns: "task_id, channel, state, read_at",
    matches: matches(sql, search),
  }), { limit });
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

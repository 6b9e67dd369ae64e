import type { Database, Fragment, Sql } from "../store/database.ts";
import { idArray } from "../store/stored.ts";

/** A notification is `pending` until it is told (`sent`) or given up (`dead`). */
export const NOTIFICATION_STATES = ["pending", "sent", "dead"] as const;

/** One telling of one outcome to one destination, as the API shows it. */
export interface Notification {
  id: string;
  task_id: string | null;
  message_id: string | null;
  channel: string;
  destination: string;
  kind: string;
  text: string;
  state: typeof NOTIFICATION_STATES[number];
  attempts: number;
  error: string | null;
  created_at: Date;
  sent_at: Date | null;
  read_at: Date | null;
}

const columns = `id, task_id, message_id, channel, destination, kind, text, state, attempts, error,
  created_at, sent_at, read_at`;

/**
 * Marks notifications that are `pending` as sent.
 *
 * @param ids selects them.
 * @returns how many.
 */
export async function markSent(
  database: Database,
  ids: (sql: Sql) => Fragment,
): Promise<number> {
  const [row] = await database.query(
    "mark notifications as sent",
    (sql) =>
      sql<{ count: number }[]>`
      with due as (${ids(sql)}), sent as (
        update notifications n
        set state = 'sent', sent_at = now(), error = null, lease_until = null
        from due where n.id = due.id and n.state = 'pending' returning n.id
      ), changed as (
        insert into changes (kind, ids)
        select 'notification', array_agg(id) from sent having count(*) > 0
      )
      select count(*)::int as count from sent`,
  );
  return row.count;
}

/**
 * Gives up what is to be told through a channel that there is not, and says so on it.
 *
 * @param known the names of the channels that there are.
 */
export async function giveUpUnknown(database: Database, known: readonly string[]): Promise<void> {
  await database.query("give up what no channel can tell", (sql) =>
    sql`
      with dead as (
        update notifications
        set state = 'dead', error = 'no channel "' || channel || '" is configured'
        where state = 'pending' and channel not in ${sql(known)} returning id
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from dead having count(*) > 0`);
}

/** One notification; undefined when there is none. */
export async function readNotification(
  database: Database,
  id: string,
): Promise<Notification | undefined> {
  const [row] = await database.query(
    "read a notification",
    (sql) => sql<Notification[]>`select ${sql.unsafe(columns)} from notifications where id = ${id}`,
  );
  return row;
}

/** The named notifications, in no order. */
export async function findNotifications(
  database: Database,
  ids: readonly string[],
): Promise<Notification[]> {
  return await database.query("find notifications", (sql) =>
    sql<Notification[]>`
      select ${sql.unsafe(columns)} from notifications where id = any(${idArray(ids)}::uuid[])`);
}

/** What was told of these messages and tasks, in no order. */
export async function findTellings(
  database: Database,
  { messageIds, taskIds }: { messageIds: readonly string[]; taskIds: readonly string[] },
): Promise<Notification[]> {
  return await database.query("find what was told", (sql) =>
    sql<Notification[]>`
      select ${sql.unsafe(columns)} from notifications
      where message_id = any(${idArray(messageIds)}::uuid[])
        or task_id = any(${idArray(taskIds)}::uuid[])`);
}

/** Marks a notification as read by a person; undefined when there is none. */
export async function markRead(
  database: Database,
  id: string,
): Promise<Notification | undefined> {
  const [row] = await database.query("mark a notification as read", (sql) =>
    sql<Notification[]>`
      with read as (
        update notifications set read_at = coalesce(read_at, now()) where id = ${id}
        returning ${sql.unsafe(columns)}
      ), changed as (
        insert into changes (kind, ids) select 'notification', array[id] from read
      )
      select * from read`);
  return row;
}

/** Gives a dead notification another round of tries; undefined when there is no dead one. */
export async function retryNotification(
  database: Database,
  id: string,
): Promise<Notification | undefined> {
  const [row] = await database.query("retry a notification", (sql) =>
    sql<Notification[]>`
      with again as (
        update notifications set state = 'pending', attempts = 0, lease_until = null
        where id = ${id} and state = 'dead' returning ${sql.unsafe(columns)}
      ), shown_again as (
        update slack_messages s
        set wanted = s.wanted + 1, attempts = 0, unsure = 0, due_at = now()
        from again where again.channel = 'slack' and s.task_id = again.task_id
      ), answered_again as (
        update replies r set retried_at = now() from again where r.notification_id = again.id
      ), changed as (
        insert into changes (kind, ids) select 'notification', array[id] from again
      )
      select * from again`);
  return row;
}

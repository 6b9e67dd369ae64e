import type { Database } from "../store/database.ts";
import { LEASE_SECONDS } from "../message/claim.ts";
import { idArray, storedText } from "../store/stored.ts";

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

/** After so many tries, about four minutes, a notification is dead: kept, with the reason, and shown. */
const MOST_TRIES = 8;

/** Claims notifications that are due, oldest first. Slack's are told by showing their task there. */
export async function claimNotifications(
  database: Database,
  worker: string,
  max: number,
): Promise<Notification[]> {
  return await database.query("claim notifications", (sql) =>
    sql<Notification[]>`
      with picked as (
        select id from notifications
        where state = 'pending' and (lease_until is null or lease_until < now())
          and channel <> 'slack'
        order by id limit ${max} for update skip locked
      )
      update notifications n
      set worker = ${worker}, attempts = n.attempts + 1,
        lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
      from picked where n.id = picked.id
      returning ${sql.unsafe(columns.replaceAll(/(\w+)/g, "n.$1"))}`);
}

/** Marks notifications as sent. */
export async function markSent(database: Database, ids: readonly string[]): Promise<void> {
  await database.query("mark notifications as sent", (sql) =>
    sql`
      with sent as (
        update notifications set state = 'sent', sent_at = now(), error = null, lease_until = null
        where id = any(${idArray(ids)}::uuid[]) and state = 'pending' returning id
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from sent having count(*) > 0`);
}

/** Puts a notification off after a failed try, or ends it when there is no hope. */
export async function markUnsent(
  database: Database,
  { id, attempts }: Pick<Notification, "id" | "attempts">,
  { error, permanent, retryAfterSeconds }: {
    error: string;
    permanent: boolean;
    retryAfterSeconds?: number;
  },
): Promise<void> {
  const dead = permanent || attempts >= MOST_TRIES;
  const wait = retryAfterSeconds ?? Math.min(2 ** attempts, 15 * 60) * (0.5 + Math.random());
  await database.query("put a notification off", (sql) =>
    sql`
      with unsent as (
        update notifications
        set state = ${dead ? "dead" : "pending"}, error = ${storedText(error)},
          lease_until = now() + make_interval(secs => ${wait})
        where id = ${id} and state = 'pending' returning id
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from unsent having count(*) > 0`);
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

/** Marks all in the web UI as read, up to this one: what came after it was not seen. */
export async function markAllRead(database: Database, upTo: string): Promise<void> {
  await database.query("mark notifications as read", (sql) =>
    sql`
      with read as (
        update notifications set read_at = now()
        where channel = 'web' and read_at is null and id <= ${upTo} returning id
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from read having count(*) > 0`);
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
      ), changed as (
        insert into changes (kind, ids) select 'notification', array[id] from again
      )
      select * from again`);
  return row;
}

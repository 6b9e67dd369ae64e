import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { idArray, storedText } from "../../store/stored.ts";
import type { SlackMessage } from "./message.ts";

/** A message that people look at does not flicker. */
const UPDATE_SECONDS = 3;
/** With waits of up to 15 minutes: about five hours. */
const MOST_TRIES = 24;
const MOST_WAIT_SECONDS = 15 * 60;

/** What came of bringing a message up to date. */
export type SlackUpdate =
  | { ok: true; channel: string; ts: string; userId: string | null }
  /** There is nobody to tell: nothing was done and nothing has failed. */
  | { ok: false; nobody: true }
  | {
    ok: false;
    nobody?: false;
    error: string;
    permanent: boolean;
    /** How many posts there are by now of which Slack never said whether it took them. */
    unsure: number;
    retryAfterSeconds?: number;
    /** Not the message's fault: it does not count as a try. */
    uncounted?: boolean;
    /** The code of an error that would meet every other message, too. */
    obstacle?: string;
  };

/** Writes down what came of it, on the message and on the outcomes that it told. */
export async function recordSlackUpdate(
  database: Database,
  message: SlackMessage,
  outcomes: readonly string[],
  result: SlackUpdate,
): Promise<void> {
  if (result.ok) return await settleShown(database, message, outcomes, result);
  if (result.nobody) return await settleNobody(database, message, outcomes);
  const { error, unsure, retryAfterSeconds, uncounted = false } = result;
  const { task_id, epoch, version, attempts } = message;
  const dead = result.permanent || (!uncounted && attempts >= MOST_TRIES);
  const wait = retryAfterSeconds ??
    Math.min(2 ** attempts, MOST_WAIT_SECONDS) * (0.5 + Math.random() / 2);
  await database.query("put a Slack message off", (sql) =>
    sql`
      with held as (
        update slack_messages
        set error = ${storedText(error)}, lease_until = null,
          shown = case when ${dead} then greatest(shown, ${version}) else shown end,
          attempts = case when ${dead} then 0 else ${uncounted ? attempts - 1 : attempts} end,
          unsure = ${unsure},
          due_at = now() + make_interval(secs => ${dead ? UPDATE_SECONDS : wait})
        where task_id = ${task_id} and epoch = ${epoch} returning task_id
      ), untold as (
        update notifications n
        set state = ${dead ? "dead" : "pending"}, error = ${storedText(error)},
          attempts = ${attempts}
        from held
        where n.id = any(${idArray(outcomes)}::uuid[]) and n.state = 'pending'
        returning n.id, n.task_id, n.destination, n.text
      ), fallen_back as (
        insert into notifications (id, cause, task_id, channel, destination, kind, text)
        select ${newId()}::uuid, 'notification:' || min(id::text), task_id, 'web', 'web', 'slack_failed',
          'Slack could not be told (' || min(destination) || ': ' || ${storedText(error)}::text ||
          '). ' || min(text)
        from untold where ${dead} group by task_id
        on conflict do nothing
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from untold having count(*) > 0`);
}

async function settleNobody(
  database: Database,
  { task_id, epoch, version }: SlackMessage,
  outcomes: readonly string[],
): Promise<void> {
  await database.query("settle a Slack message to nobody", (sql) =>
    sql`
      with held as (
        update slack_messages
        set shown = greatest(shown, ${version}), attempts = 0, error = null, lease_until = null
        where task_id = ${task_id} and epoch = ${epoch} returning task_id
      )
      delete from notifications n using held
      where n.id = any(${idArray(outcomes)}::uuid[]) and n.state = 'pending'`);
}

async function settleShown(
  database: Database,
  { task_id, epoch, version, attempts }: SlackMessage,
  outcomes: readonly string[],
  { channel, ts, userId }: SlackUpdate & { ok: true },
): Promise<void> {
  await database.query("settle a Slack message", (sql) =>
    sql`
      with held as (
        update slack_messages
        set channel = ${channel}, ts = ${ts}, user_id = ${userId}, error = null, attempts = 0,
          unsure = 0, shown = greatest(shown, ${version}), lease_until = null,
          due_at = now() + make_interval(secs => ${UPDATE_SECONDS})
        where task_id = ${task_id} and epoch = ${epoch} returning task_id
      ), told as (
        update notifications n
        set state = 'sent', sent_at = now(), error = null, attempts = ${attempts}
        from held
        where n.id = any(${idArray(outcomes)}::uuid[]) and n.state = 'pending'
        returning n.id
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from told having count(*) > 0`);
}

/** Records where a post went, at once: whatever happens next, it is updated and not repeated. */
export async function recordPost(
  database: Database,
  { task_id, epoch }: SlackMessage,
  { channel, ts, userId }: { channel: string; ts: string; userId: string | null },
): Promise<void> {
  await database.query("record a Slack message", (sql) =>
    sql`
      update slack_messages
      set channel = ${channel}, ts = ${ts}, user_id = ${userId}, unsure = 0
      where task_id = ${task_id} and (epoch = ${epoch} or ts is null)`);
}

import type { Database } from "../../store/database.ts";
import { idArray, storedText } from "../../store/stored.ts";
import { fallBack } from "./fallback.ts";
import type { SlackMessage } from "./message.ts";

/** So far apart are changes of one message: people look at it, and it should not flicker. */
const UPDATE_SECONDS = 3;
/** With the waits below these take about three hours: most of Slack's own troubles are over by then. */
const MOST_TRIES = 24;
/** Waits double up to this. */
const MOST_WAIT_SECONDS = 15 * 60;

/** A message could not be brought up to date. */
interface SlackFailure {
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
  outage?: string;
}

/** What came of bringing a message up to date. */
export type SlackUpdate =
  | { ok: true; channel: string; ts: string; userId: string | null }
  /** There is nobody to tell: nothing was done, and nothing has failed. */
  | { ok: false; nobody: true }
  | SlackFailure;

/** Records what came of it, on the message and on the outcomes that it told. */
export async function recordSlackUpdate(
  database: Database,
  message: SlackMessage,
  outcomes: readonly string[],
  result: SlackUpdate,
): Promise<void> {
  if (result.ok) return await recordShown(database, message, outcomes, result);
  if (result.nobody) return await recordNobody(database, message, outcomes);
  await recordFailure(database, message, outcomes, result);
}

/** Puts the message off, or gives it up and tells the outcomes in the web UI. */
async function recordFailure(
  database: Database,
  { task_id, epoch, version, attempts }: SlackMessage,
  outcomes: readonly string[],
  { error, permanent, unsure, retryAfterSeconds, uncounted = false }: SlackFailure,
): Promise<void> {
  const dead = permanent || (!uncounted && attempts >= MOST_TRIES);
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
      ), unsent as (
        update notifications n
        set state = ${dead ? "dead" : "pending"}, error = ${storedText(error)},
          attempts = ${attempts}
        from held
        where n.id = any(${idArray(outcomes)}::uuid[]) and n.state = 'pending'
        returning n.id, n.task_id, n.destination, n.text
      ), fallen_back as (
        ${fallBack(sql, { dead, error })}
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from (
        select id from unsent union all select id from fallen_back) n having count(*) > 0`);
}

async function recordNobody(
  database: Database,
  { task_id, epoch, version }: SlackMessage,
  outcomes: readonly string[],
): Promise<void> {
  await database.query("record a Slack message to nobody", (sql) =>
    sql`
      with held as (
        update slack_messages
        set shown = greatest(shown, ${version}), attempts = 0, error = null, lease_until = null
        where task_id = ${task_id} and epoch = ${epoch} returning task_id
      )
      delete from notifications n using held
      where n.id = any(${idArray(outcomes)}::uuid[]) and n.state = 'pending'`);
}

async function recordShown(
  database: Database,
  { task_id, epoch, version, attempts }: SlackMessage,
  outcomes: readonly string[],
  { channel, ts, userId }: SlackUpdate & { ok: true },
): Promise<void> {
  await database.query("record that a Slack message is shown", (sql) =>
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

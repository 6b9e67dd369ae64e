import { type GuardEntry, toGuardRow } from "./replay_guard.ts";
import type { Database, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { MOST_ATTEMPTS } from "./claim.ts";
import type { KeptDescription } from "./kept_description.ts";
import type { TaskGroup } from "./group/group.ts";
import type { MessageSubject } from "./subject/subject.ts";
import type { JoinedTask } from "./subject/plan.ts";
import { type OpenTasks, type TellingMessage, tellSubjects } from "./subject/tell.ts";
import { fillInbox, joinTasks } from "./subject/join.ts";
import { intoOutbox, WEB_CHANNEL } from "../store/outbox.ts";
import { storedJson } from "../store/stored.ts";

/** What came of one message: a task, or the reason why there is none. */
export type MessageOutcome =
  & { messageId: string; epoch: number; subject?: MessageSubject; joins?: JoinedTask }
  /** Who alone may read it. */
  & { audience?: string }
  /** It has waited in a group: what it is about is written with it already. */
  & { grouped?: boolean }
  & (
    | {
      event: string | null;
      title: string;
      description: string;
      described?: KeptDescription | null;
      /** The group that its task is made of, where these are several. */
      group?: TaskGroup;
      /** Where Slack is to show the task. */
      slack?: { place: string; thread_ts: string | null };
    }
    /** Obeyed as a command about a task that is there already, or left alone. */
    | {
      event: string | null;
      title: string;
      state: "processed" | "filtered";
      reason: string;
      taskId: string | null;
    }
    | { error: string }
  );

/** The ids of messages, by what came of completing them. */
export interface CompletedMessages {
  /** They have a task now. */
  made: string[];
  /** Another message has come with the same signed bytes: they are left as they were. */
  repeated: string[];
  /** What was decided about their task is not so any more: they are to be decided anew. */
  stale: string[];
}

/**
 * Completes claimed messages in one statement: makes each one's task with its
 * first event, or marks it failed and tells the web UI. A message that another
 * worker has taken over meanwhile (its epoch has grown) is left alone, and so is
 * one whose signed bytes another message has come with.
 *
 * @param assignee the user who gets the tasks; null where none is made.
 * @param guard what the replay guard is to know of these messages.
 */
export async function completeMessages(
  database: Database,
  outcomes: readonly MessageOutcome[],
  { assignee, guard = [], openTasks }: {
    assignee: string | null;
    guard?: readonly GuardEntry[];
    openTasks?: OpenTasks;
  },
): Promise<CompletedMessages> {
  const telling = outcomes.filter((each): each is MessageOutcome & TellingMessage =>
    each.subject !== undefined
  );
  const rows = outcomes.map(({ subject, joins, ...outcome }) => ({
    ...outcome,
    items: "group" in outcome ? outcome.group?.messages : undefined,
    created: "group" in outcome ? outcome.group : undefined,
    new_task_id: "description" in outcome ? joins?.newTaskId ?? newId() : null,
    join_task: joins?.taskId,
    join_key: joins?.waitKey,
    join_role: joins?.role,
    wakes: joins?.wakes,
    maker: joins?.maker,
    subject_source: subject?.source,
    subject_key: subject?.key,
    role: subject?.role,
    described: "described" in outcome && outcome.described
      ? JSON.stringify(outcome.described)
      : null,
    state: "error" in outcome ? "failed" : "state" in outcome ? outcome.state : "processed",
    slack_place: "slack" in outcome ? outcome.slack?.place : null,
    slack_thread: "slack" in outcome ? outcome.slack?.thread_ts : null,
    event_id: newId(),
    notification_id: newId(),
  }));
  const answers = await database.query(
    "complete messages",
    (sql) =>
      sql<{ message_id: string; came: "made" | "repeated" | "stale" }[]>`
      with guard as (
        select message_id, source, decode(key, 'hex') as key
        from jsonb_to_recordset(${storedJson(guard.map(toGuardRow))}::text::jsonb)
          as g(message_id uuid, source text, key text)
      ), recorded as (
        -- Whoever has these bytes in hand at the same time waits here, and records nothing.
        insert into message_captures (source, key, message_id)
        select source, key, message_id from guard order by source, key, message_id
        on conflict do nothing returning source, key, message_id
      ), repeated as (
        select distinct message_id from guard
        where (source, key, message_id) not in (select * from recorded)
          and (source, key, message_id) not in (
            select source, key, message_id from message_captures
            where (source, key) in (select source, key from guard))
      ), outcome as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as o(
          "messageId" uuid, epoch int, event text, title text, description text, described text,
          error text, state text, reason text, "taskId" uuid, new_task_id uuid, slack_place text,
          slack_thread text, event_id uuid, notification_id uuid, subject_source text,
          subject_key text, role text, join_task uuid, join_key text, join_role text,
          wakes boolean, maker uuid, grouped boolean, items int, created jsonb, audience text)
      ), held as (
        select m.id from messages m join outcome o on o."messageId" = m.id
        where m.epoch = o.epoch and m.state = 'new'
          and m.id not in (select message_id from repeated)
      ), ${tellSubjects(sql, telling, { openTasks, held: sql`held` })}, ours as (
        -- After the subjects and before the tasks. What is not ours by then tells no task anything.
        select m.id from messages m join outcome o on o."messageId" = m.id
          left join told on told.source = o.subject_source and told.key = o.subject_key
        where m.epoch = o.epoch and m.state = 'new' and m.id in (select id from held)
          and (o.subject_key is null or told.id is not null)
        order by m.id for update of m
      ), ${joinTasks(sql)}, completed as (
        update messages m
        set state = o.state, event = o.event,
          title = case when o.grouped then m.title else o.title end, error = o.error, reason = o.reason,
          task_id = coalesce(o.new_task_id, o."taskId"),
          settled_at = now(), lease_until = null, worker = null,
          subject_id = case when o.grouped then m.subject_id else told.id end,
          role = case when o.grouped then m.role else o.role end,
          audience = case when o.grouped then m.audience else o.audience end
        from outcome o
          left join told on told.source = o.subject_source and told.key = o.subject_key
        where m.id = o."messageId" and m.id in (select id from ours)
          and (o.join_task is null
            or o.maker is null and exists (select from joined where joined.id = o.join_task)
            or o.maker in (select id from ours))
        returning m.id, m.source, m.webhook_type, o.epoch, m.title as own_title, o.title, o.description, o.described,
          o.error, o.new_task_id, o.slack_place, o.slack_thread, o.event_id, o.notification_id,
          m.subject_id, o.join_task, o.join_role, o.grouped, o.items, o.created
      ), made as (
        insert into tasks (id, message_id, source, title, description, described, assigned_to,
          subject_id, news, messages, closed_by, status, finished_at)
        select c.new_task_id, c.id, source, title, description, described, ${assignee}, subject_id,
          later.items, later.apart + coalesce(c.items, 1), later.closed_by,
          case when later.closed_by is null then 'pending' else 'cancelled' end,
          case when later.closed_by is not null then now() end
        from completed c left join lateral (
          select count(*)::int as items,
            (count(*) filter (where its.grouped is not true))::int as apart,
            max(its.id::text) filter (where its.join_role = 'closes')::uuid as closed_by
          from completed its where its.join_task = c.new_task_id) later on true
        where c.new_task_id is not null
        on conflict (message_id) do nothing returning id, message_id
      ), ${fillInbox(sql)}, born as (
        insert into task_events (id, task_id, kind, actor, data)
        select c.event_id, made.id, 'created', 'otto', coalesce(c.created, '{}')
        from made join completed c on c.new_task_id = made.id
      ), shown as (
        insert into slack_messages (task_id, place, thread_ts)
        select made.id, c.slack_place, c.slack_thread
        from made join completed c on c.new_task_id = made.id where c.slack_place is not null
      ), notified as (
        ${intoOutbox(sql, sql`${failures(sql)} union all ${stops(sql)}`)}
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from completed having count(*) > 0
        union all select 'task', array_agg(id) from made having count(*) > 0
        union all select 'task', array_agg(id) from joined having count(*) > 0
        union all select 'notification', array_agg(id) from notified having count(*) > 0
      )
      select message_id, 'made' as came from made
      union all select message_id, 'repeated' from repeated
      union all select id, 'stale' from held
        where id not in (select id from completed)`,
  );
  const idsOf = (came: string) =>
    answers.filter((each) => each.came === came).map(({ message_id }) => message_id);
  return { made: idsOf("made"), repeated: idsOf("repeated"), stale: idsOf("stale") };
}

/** Who crashes workers is among the oldest that wait: they are claimed in the order of their ids. */
const LOOKED_AT = 2_000;

/** Fails the messages that have crashed a worker too often. */
export async function failCrashedMessages(database: Database): Promise<number> {
  const rows = await database.query(
    "find messages that crash workers",
    (sql) =>
      sql<{ id: string; epoch: number }[]>`
      select id, epoch from (
        select id, epoch, attempts, lease_until from messages
        where state = 'new' order by id limit ${LOOKED_AT}) oldest
      where attempts >= ${MOST_ATTEMPTS} and (lease_until is null or lease_until < now())
      order by id limit 100`,
  );
  if (rows.length > 0) {
    const error = `every worker that took it stopped in the middle (${MOST_ATTEMPTS} times)`;
    await completeMessages(
      database,
      rows.map(({ id, epoch }) => ({ messageId: id, epoch, error })),
      { assignee: null },
    );
  }
  return rows.length;
}

/** What is told of the messages that `completeMessages` has `completed`. */
const failures = (sql: Sql) =>
  sql`
    select notification_id, 'message:' || id || ':' || epoch, null::uuid, id, ${WEB_CHANNEL},
      ${WEB_CHANNEL}, 'message_failed',
      'A ' || webhook_type || ' message could not be processed: ' || error
    from completed where error is not null`;

/** What is told of the subjects that were stopped: once, as no message stops one that is. */
const stops = (sql: Sql) =>
  sql`
    select news.id, 'subject:' || told.id || ':' || news.version, open.id, null::uuid,
      ${WEB_CHANNEL}, ${WEB_CHANNEL}, 'subject_stopped',
      'Stopped: ' || coalesce(told.name, news.source) || ', as ' || news.stopped
    from news join told on told.source = news.source and told.key = news.key
      left join tasks open on open.id = news.open_task
    where news.stopped is not null`;

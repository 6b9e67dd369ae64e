import type { Database, Sql } from "../store/database.ts";
import { failingSubjects, stopFailing, stopsOfFailing } from "../message/subject/stop.ts";
import { WITHDRAWN } from "../message/subject/withdrawal.ts";
import { newId } from "../store/id.ts";
import { intoOutbox } from "../store/outbox.ts";
import { storedJson } from "../store/stored.ts";
import type { Destination } from "./destination.ts";

/** When the work on a task was done, in milliseconds since 1970 by the clock of whoever did it. */
export interface WorkTimes {
  startedAt: number;
  finishedAt: number;
}

/** What an agent said before it heard that there is more, in characters: as much as a page shows of it. */
const MOST_SAID = 2_000;

/** Whether a turn that thinks it is done has not read all that has come for its task. */
const goesOn = (sql: Sql) =>
  sql`(f.status = 'completed' and coalesce(f.reads_all, false) and t.news > t.read_news)`;

/** Whether something has come for a turn that wants to wait, since it last looked. */
const hasCome = (sql: Sql) =>
  sql`(f.status = 'waiting_event' and t.news > coalesce(f.seen_news, 0))`;

/** Whether what a turn wants to ask people about was closed, which it has not heard: nobody is asked. */
const isOver = (sql: Sql) => sql`(f.status = 'waiting_input' and t.closed_by is not null)`;

/** How an agent's turn at one task ended: for good, or until later. */
export type Finish =
  & {
    taskId: string;
    epoch: number;
    actor: string;
    tell: readonly Destination[];
    /** Nothing ends where more than so much has come for the task. */
    unlessNews?: number;
  }
  & (
    | {
      status: "completed";
      result: { text: string; data: unknown };
      times?: WorkTimes;
      /** It goes on where a message has come that it has not read; else those make a new task. */
      readsAll?: boolean;
    }
    | { status: "failed"; error: { code: string; message: string }; times?: WorkTimes }
    /** Parked until a person answers. */
    | { status: "waiting_input"; question: string }
    /** Parked until the next message about the same comes, or until then; see `WaitForEvent`. */
    | {
      status: "waiting_event";
      events: readonly string[];
      until: string;
      news: number;
      waitKey: string;
    }
    /** Given back, to be claimed no sooner than in so many seconds; see `lookAgain` for `under`. */
    | { status: "later"; afterSeconds: number; reason: string; under?: string }
  );

/**
 * Ends tasks, parks them or puts them off, and puts the notifications of it into
 * the outbox, in one statement. Only the epoch that started a task may end it:
 * the first finish wins and a worker that was presumed dead changes nothing.
 * Its times are taken where they can be right: not before the task was made or
 * last heard of, and not after now. Without any it ends now.
 *
 * @returns the ids of the tasks that this call ended, parked or put off.
 */
export async function finishTasks(
  database: Database,
  finishes: readonly Finish[],
): Promise<Set<string>> {
  const rows = finishes.map((finish) => ({
    task_id: finish.taskId,
    epoch: finish.epoch,
    actor: finish.actor,
    status: finish.status,
    result_text: finish.status === "completed" ? finish.result.text : null,
    result_data: finish.status === "completed" ? finish.result.data : null,
    error_code: finish.status === "failed" ? finish.error.code : null,
    error_message: finish.status === "failed" ? finish.error.message : null,
    question: finish.status === "waiting_input" ? finish.question : null,
    started_ms: "times" in finish ? finish.times?.startedAt : null,
    finished_ms: "times" in finish ? finish.times?.finishedAt : null,
    after_seconds: finish.status === "later" ? finish.afterSeconds : null,
    reason: finish.status === "later" ? finish.reason : null,
    under: "under" in finish ? finish.under : null,
    reads_all: "readsAll" in finish && finish.readsAll,
    unless_news: finish.unlessNews,
    ...finish.status === "waiting_event" && {
      wait_for: finish.events,
      wait_until: finish.until,
      wait_key: finish.waitKey,
      seen_news: finish.news,
    },
    event_id: newId(),
    stop_id: newId(),
    tell: finish.tell.map((to) => ({ id: newId(), ...to })),
  }));
  const ended = await database.query("finish tasks", (sql) =>
    sql<{ id: string }[]>`
      with finish as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as f(
          task_id uuid, epoch int, unless_news int, actor text, status text, result_text text,
          result_data jsonb,
          error_code text, error_message text, question text, started_ms float8,
          finished_ms float8, after_seconds float8, reason text, under text, event_id uuid, tell jsonb,
          reads_all boolean, wait_for jsonb, wait_until timestamptz, wait_key text, seen_news int,
          stop_id uuid)
      ), ${failingSubjects(sql)}, turns as (
        -- In one order, as everybody takes several: behind what they are about.
        select t.id from finish f cross join (select count(*) from failing) locked
          join tasks t on t.id = f.task_id and t.epoch = f.epoch and t.status = 'running'
        order by t.id for update of t
      ), ended as (
        update tasks t
        -- Not at its end after all where a message has come that nobody has read: the row itself says
        -- so, which whoever adds one changes, too. What is asked of it is asked of its newest version.
        set status = case when f.status = 'later' then 'pending' when ${goesOn(sql)} then 'pending'
            when ${hasCome(sql)} or ${isOver(sql)} then 'pending' else f.status end,
          open = f.status not in ('completed', 'failed') or ${goesOn(sql)},
          leaves_unread = f.status in ('completed', 'failed') and not ${goesOn(sql)}
            and t.news > t.read_news,
          result_text = case when not ${goesOn(sql)} then f.result_text end,
          result_data = case when not ${goesOn(sql)} then f.result_data end,
          error_code = f.error_code, error_message = f.error_message,
          question = case when not ${isOver(sql)} then f.question end,
          answer = case when ${isOver(sql)} then ${WITHDRAWN} else t.answer end,
          started_at = least(t.started_at,
            greatest(t.created_at, to_timestamp(coalesce(f.started_ms / 1000, 'infinity')))),
          finished_at = case when f.status in ('completed', 'failed') and not ${goesOn(sql)}
            then least(now(), greatest(
              to_timestamp(coalesce(f.finished_ms / 1000, 'infinity')),
              (select max(at) from task_events where task_id = t.id))) end,
          wait_for = case when not ${hasCome(sql)} then f.wait_for end,
          wait_until = case when not ${hasCome(sql)} then f.wait_until end,
          wait_key = case when not ${hasCome(sql)} then f.wait_key end,
          wake_at = null, waking_since = null,
          not_before = now() + make_interval(secs => f.after_seconds),
          -- Nothing has crashed: this turn does not count as an attempt.
          attempts = case when f.status in ('completed', 'failed') and not ${goesOn(sql)}
            then t.attempts else greatest(t.attempts - 1, 0) end,
          -- A worker elsewhere has reported it: nothing is waited for from its job any more.
          job_epoch = case when t.worker is not null then t.job_epoch end,
          lease_until = null, worker = null
        from finish f join turns on turns.id = f.task_id
        where t.id = f.task_id and t.epoch = f.epoch and t.status = 'running'
          and (f.unless_news is null or t.news <= f.unless_news)
        returning t.id, t.title,
          case when t.status = 'pending' and f.status = 'completed' then 'goes_on'
            when t.status = 'pending' and f.status = 'waiting_event' then 'looks_again'
            when t.status = 'pending' and f.status = 'waiting_input' then 'withdrawn'
            else f.status end as status, f.wait_for, f.wait_until,
          f.actor, f.event_id, f.stop_id, f.tell, f.error_message, f.question, f.reason, f.under, f.after_seconds,
          left(f.result_text, ${MOST_SAID}) as said, t.finished_at
      ), withdrawn as (
        update approvals a set state = 'withdrawn'
        from ended where ended.status = 'withdrawn' and a.task_id = ended.id
          and a.state in ('pending', 'approved')
      ), noted as (
        insert into task_events (id, task_id, at, kind, actor, data)
        select event_id, id, coalesce(finished_at, now()),
          case status when 'later' then 'put_off' when 'goes_on' then 'said_so_far' else status end,
          actor,
          jsonb_strip_nulls(jsonb_build_object('error', error_message, 'question', question,
            'reason', reason, 'under', under, 'after_seconds', after_seconds,
            'events', wait_for, 'until', wait_until,
            'text', case status when 'goes_on' then said end))
        from ended where status not in ('looks_again', 'withdrawn')
      ), ${stopFailing(sql)}, notified as (
        ${intoOutbox(sql, sql`${outcomes(sql)} union all ${stopsOfFailing(sql)}`)}
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array_agg(id) from ended having count(*) > 0
        union all select 'notification', array_agg(id) from notified having count(*) > 0
      )
      select id from ended`);
  return new Set(ended.map((row) => row.id));
}

/** What is told of the tasks that `finishTasks` has `ended`. */
const outcomes = (sql: Sql) =>
  sql`
    select d.id, 'task_event:' || e.event_id, e.id, null::uuid, d.channel, d.destination,
      e.status,
      case e.status when 'completed' then 'Completed: ' || e.title
        when 'waiting_input' then 'Waiting for you: ' || e.title || ' (' || e.question || ')'
        else 'Failed: ' || e.title || ' (' || e.error_message || ')' end
    from ended e, jsonb_to_recordset(e.tell) as d(id uuid, channel text, destination text)
    where e.status not in ('later', 'goes_on', 'looks_again', 'withdrawn', 'waiting_event')`;

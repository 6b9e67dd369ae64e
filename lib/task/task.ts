import type { Database } from "../store/database.ts";
import { type TaskPhase, taskPhase } from "../message/search/phase.ts";
import { type SubjectRef, subjectRef } from "../message/subject/subject.ts";
import { newId } from "../store/id.ts";
import { idArray, storedText } from "../store/stored.ts";
import { NO_WAIT } from "./wait.ts";

export const TASK_STATUSES = [
  "pending",
  "running",
  "waiting_input",
  "waiting_event",
  "completed",
  "failed",
  "cancelled",
] as const;
export type TaskStatus = typeof TASK_STATUSES[number];

/** A stored piece of work, as the API shows it. */
export interface Task {
  id: string;
  message_id: string;
  source: string;
  /** The name in the URL that its message came by. */
  webhook_type: string;
  title: string;
  description: string;
  status: TaskStatus;
  /** The one word for where it is, as lists show it. */
  phase: TaskPhase;
  assigned_to: { id: string; email: string; name: string };
  result: { text: string; data: unknown } | null;
  error: { code: string; message: string } | null;
  question: string | null;
  /** Which of its questions that is, as long as it waits with it. */
  question_id: number | null;
  /** Which events it waits for (any where there are none), and until when. */
  waiting_for: { events: string[]; until: Date } | null;
  /** Until when it was put off, and why: a budget is used up, or the model's provider is away. */
  put_off: { until: Date; reason: string } | null;
  /** What it is about. */
  subject: SubjectRef | null;
  /** How many messages it is of: the ones that it was made of, and those that came for it later. */
  messages: number;
  /** Of the later ones those that its agent has not read. */
  unread: number;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  /** How long it has waited for people so far: no part of the work. */
  waited_ms: number;
}

/** How long the work on a task took, in milliseconds, without the waits for people; undefined while it goes on. */
export function workMsOf(
  { started_at: start, finished_at: end, waited_ms }: Task,
): number | undefined {
  return start && end ? Math.max(0, end.getTime() - start.getTime() - waited_ms) : undefined;
}

/** One step in a task's life. */
export interface TaskEvent {
  id: string;
  task_id: string;
  at: Date;
  kind: string;
  actor: string;
  data: unknown;
  /**
   * What the model said in this step, or what the tool answered, its beginning at least; null when
   * nothing was said, and when it is gone with the message's contents.
   */
  content: string | null;
}

interface TaskRow {
  id: string;
  message_id: string;
  source: string;
  webhook_type: string;
  title: string;
  description: string;
  status: TaskStatus;
  phase: TaskPhase;
  question: string | null;
  question_id: number | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  waited_ms: number;
  result_text: string | null;
  result_data: unknown;
  error_code: string | null;
  error_message: string | null;
  wait_for: string[] | null;
  wait_until: Date | null;
  put_off_until: Date | null;
  put_off_reason: string | null;
  subject: SubjectRef | null;
  messages: number;
  unread: number;
  user_id: string;
  user_email: string;
  user_name: string;
}

const IS_PUT_OFF = "t.status = 'pending' and t.not_before > now()";
const columns = `t.id, t.message_id, t.source,
  (select webhook_type from messages where id = t.message_id) as webhook_type, t.title, t.description, t.status,
  ${taskPhase("t.")} as phase, t.question,
  case when t.status = 'waiting_input' then t.epoch end as question_id, t.wait_for, t.wait_until,
  case when ${IS_PUT_OFF} then t.not_before end as put_off_until,
  case when ${IS_PUT_OFF} then (select e.data->>'reason' from task_events e
    where e.task_id = t.id and e.kind = 'put_off' order by e.at desc, e.id desc limit 1) end
    as put_off_reason,
  ${subjectRef("t.subject_id")} as subject, t.messages,
  case when t.news > t.read_news then (select count(*)::int from task_inbox i
    where i.task_id = t.id and i.delivered_at is null) else 0 end as unread,
  t.created_at, t.started_at, t.finished_at,
  round(t.waited_ms) as waited_ms, t.result_text, t.result_data, t.error_code,
  t.error_message, u.id as user_id, u.email as user_email, u.name as user_name`;
const table = "tasks t join users u on u.id = t.assigned_to";

function toTask(row: TaskRow): Task {
  const {
    result_text,
    result_data,
    error_code,
    error_message,
    user_id,
    user_email,
    user_name,
    wait_for,
    wait_until,
    put_off_until,
    put_off_reason,
    ...rest
  } = row;
  return {
    ...rest,
    assigned_to: { id: user_id, email: user_email, name: user_name },
    waiting_for: wait_until && { events: wait_for ?? [], until: wait_until },
    put_off: put_off_until && { until: put_off_until, reason: put_off_reason ?? "" },
    result: result_text === null ? null : { text: result_text, data: result_data },
    error: error_code === null ? null : { code: error_code, message: error_message ?? "" },
  };
}

/** The named tasks, in no order. */
export async function findTasks(database: Database, ids: readonly string[]): Promise<Task[]> {
  const rows = await database.query("find tasks", (sql) =>
    sql<TaskRow[]>`
      select ${sql.unsafe(columns)} from ${sql.unsafe(table)}
      where t.id = any(${idArray(ids)}::uuid[])`);
  return rows.map(toTask);
}

export async function readTask(database: Database, id: string): Promise<Task | undefined> {
  return (await findTasks(database, [id]))[0];
}

/** A task's timeline, oldest first. */
export async function listTaskEvents(database: Database, taskId: string): Promise<TaskEvent[]> {
  return await database.query("read a task's timeline", (sql) =>
    sql<TaskEvent[]>`
      select e.id, e.task_id, e.at, e.kind, e.actor, e.data, c.content from task_events e
      left join task_event_contents c on c.task_id = e.task_id and c.event_id = e.id
      where e.task_id = ${taskId} order by e.at, e.id`);
}

/** Gives a task to somebody else. False when there is no such task. */
export async function reassignTask(
  database: Database,
  { id, userId, actor }: { id: string; userId: string; actor: string },
): Promise<boolean> {
  const rows = await database.query("reassign a task", (sql) =>
    sql`
      with given as (
        update tasks set assigned_to = ${userId} where id = ${id} returning id
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, id, 'reassigned', ${actor},
          jsonb_build_object('assigned_to', ${userId}::text) from given
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from given
      )
      select id from given`);
  return rows.length > 0;
}

/** Stops a task that has not ended; whoever works on it hears within a heartbeat. */
export async function cancelTask(
  database: Database,
  { id, actor }: { id: string; actor: string },
): Promise<boolean> {
  const rows = await database.query("cancel a task", (sql) =>
    sql`
      with cancelled as (
        update tasks
        set status = 'cancelled', open = false, epoch = epoch + 1, finished_at = now(), lease_until = null,
          worker = null, question = null, ${sql.unsafe(NO_WAIT)}
        where id = ${id} and status in ('pending', 'running', 'waiting_input', 'waiting_event')
        returning id
      ), withdrawn as (
        update approvals a set state = 'withdrawn'
        from cancelled where a.task_id = cancelled.id and a.state in ('pending', 'approved')
      ), noted as (
        insert into task_events (id, task_id, kind, actor)
        select ${newId()}, id, 'cancelled', ${actor} from cancelled
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from cancelled
      )
      select id from cancelled`);
  return rows.length > 0;
}

/**
 * Starts a failed or cancelled task again; its timeline keeps what was. Later messages about the same
 * go to it, unless they go to another one that is open.
 */
export async function retryTask(
  database: Database,
  { id, actor }: { id: string; actor: string },
): Promise<boolean> {
  const rows = await database.query("retry a task", (sql) =>
    sql`
      with seen as materialized (
        -- As this statement sees its tasks: a newer version may have one that it does not see.
        select s.id, s.version from subjects s
        where s.id = (select subject_id from tasks where id = ${id})
      ), about as (
        -- Before its task, as everybody takes them.
        select s.id from subjects s where s.id = (select id from seen) for update
      ), again as (
        update tasks t
        set status = 'pending', open = true, epoch = epoch + 1, attempts = 0, lease_until = null,
          worker = null,
          started_at = null, finished_at = null, waited_ms = 0, waits_since = null, error_code = null, error_message = null,
          question = null, answer = null, not_before = null, closed_by = null, read_news = 0,
          leaves_unread = false
        from (select count(*) from about) locked
        where t.id = ${id} and t.status in ('failed', 'cancelled') returning t.id, t.subject_id
      ), opened as (
        update subjects s set open_task = again.id, version = s.version + 1
        from again, seen where s.id = again.subject_id and s.id = seen.id
          and s.version = seen.version and s.open_task is not null
          and not exists (select from tasks t where t.id = s.open_task and t.open)
      ), unread as (
        update task_inbox i set delivered_at = null, delivered_step = null
        from again where i.task_id = again.id
      ), anew as (
        update agent_runs r set run = r.run + 1, state = null, lost_tokens = 0
        from again where r.task_id = again.id
      ), withdrawn as (
        update approvals a set state = 'withdrawn'
        from again where a.task_id = again.id and a.state in ('pending', 'approved')
      ), noted as (
        insert into task_events (id, task_id, kind, actor)
        select ${newId()}, id, 'retried', ${actor} from again
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from again
      )
      select id from again`);
  return rows.length > 0;
}

/**
 * Answers the question that a task waits with; its agent goes on. Ring
 * `bells.tasks`. A task that waits for an approval takes none: see `decideApproval`.
 *
 * @param questionId the question that is meant: an answer that comes late, or twice, must not
 *   become the answer to the next one. A task asks one question in an epoch. Without it the
 *   present question is meant.
 * @param actor who answered, as the timeline shows them.
 * @returns false when the task does not wait for an answer, or for another one.
 */
export async function answerTask(
  database: Database,
  { id, text, actor, questionId }: {
    id: string;
    text: string;
    actor: string;
    questionId?: number;
  },
): Promise<boolean> {
  const answer = storedText(text);
  const rows = await database.query("answer a task", (sql) =>
    sql`
      with answered as (
        update tasks t
        set status = 'pending', attempts = 0, answer = ${answer}, question = null,
          not_before = null
        where id = ${id} and status = 'waiting_input'
          ${questionId === undefined ? sql`` : sql`and t.epoch = ${questionId}`}
          and not exists (
          select from approvals a
          where a.task_id = t.id and a.state = 'pending' and a.expires_at > now())
        returning id
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, id, 'answered', ${actor}, jsonb_build_object('text', ${answer}::text)
        from answered
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from answered
      )
      select id from answered`);
  return rows.length > 0;
}

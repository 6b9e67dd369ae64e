import type { Approval } from "../../task/approval.ts";
import type { Database, Fragment, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { intoOutbox } from "../../store/outbox.ts";
import { readTask, type Task } from "../../task/task.ts";
import { CALL_MS, SLACK_LEASE_SECONDS } from "./client.ts";
import { isFree, PACE_SECONDS } from "./place.ts";

/**
 * The rows behind what Slack shows: one message for each task. A trigger counts
 * up `wanted` with every change of the task; `noteChanges` puts outcomes into
 * the outbox, and a claimed row is brought up to date in Slack.
 */

/** What a lease leaves beside the longest call. */
const SURE_MS = SLACK_LEASE_SECONDS * 1_000 - CALL_MS;
/** One statement's work; what is left is noted at once afterwards. */
const NOTED_AT_ONCE = 100;

/** What rows in the outbox call Slack. */
export const SLACK_CHANNEL = "slack";

/** The place of messages to a task's assignee. */
export const DIRECT = "dm";

/** Outcomes that are told; other changes are only shown. As the text of a `text[]`. */
export const OUTCOMES = "{completed,failed,waiting_input}";

/** A message in a worker's hands until its lease runs out. */
export interface SlackMessage {
  task_id: string;
  epoch: number;
  place: string;
  thread_ts: string | null;
  channel: string | null;
  ts: string | null;
  user_id: string | null;
  /** What is to be shown: the task as it was at this change, or later. */
  version: number;
  unsure: number;
  attempts: number;
}

/** Puts the outcomes of changed tasks into the outbox, each once. Repeatable at any point. */
export async function noteChanges(database: Database): Promise<number> {
  // Read first: what the next statement sees of the tasks is at least as new.
  const changed = await database.query(
    "find changed tasks",
    (sql) =>
      sql<{ task_id: string; wanted: number }[]>`
      select task_id, wanted from slack_messages where wanted > noted limit ${NOTED_AT_ONCE}`,
  );
  if (changed.length === 0) return 0;
  const rows = changed.map((row) => ({ ...row, id: newId() }));
  await database.query("note changed tasks", (sql) =>
    sql`
      with seen as (
        select f.*, s.place, s.thread_ts, t.status, t.title, t.question, t.error_message, t.epoch,
          u.email, s.place = ${DIRECT} and u.kind = 'system' as for_nobody
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as f(task_id uuid, wanted int, id uuid)
        join slack_messages s on s.task_id = f.task_id
        join tasks t on t.id = f.task_id
        join users u on u.id = t.assigned_to
      ), places as (
        insert into slack_places (place) select distinct place from seen order by place
        on conflict do nothing
      ), told as (
        ${intoOutbox(sql, outcomes(sql))}
      ), changed as (
        insert into changes (kind, ids)
        select 'notification', array_agg(id) from told having count(*) > 0
      )
      update slack_messages s
      set noted = greatest(s.noted, seen.wanted),
        shown = case when for_nobody then greatest(s.shown, seen.wanted) else s.shown end
      from seen where s.task_id = seen.task_id`);
  return changed.length;
}

/** Whether a row of `slack_messages` `s` is to be shown anew now: a condition in SQL. */
const isDue = (sql: Sql) =>
  sql`s.noted > s.shown and s.due_at <= now() and (s.lease_until is null or s.lease_until < now())`;

/** Whether any message is to be noted or shown, now or when its place is free again: a condition in SQL. */
export function slackMessagesWait(sql: Sql): Fragment {
  return sql`exists (select from slack_messages s where s.wanted > s.noted)
    or exists (select from slack_messages s
      where s.noted > s.shown and s.due_at <= now() + make_interval(secs => ${PACE_SECONDS}))`;
}

/** Claims messages that are not up to date, the longest due first, one in each place that is free. */
export async function claimSlackMessages(
  database: Database,
  max: number,
): Promise<SlackMessage[]> {
  return await database.query("claim Slack messages", (sql) => {
    const due = isDue(sql);
    return sql<SlackMessage[]>`
      with places as (
        select p.place from slack_places p
        where ${isFree(sql)}
          and exists (select from slack_messages s where s.place = p.place and ${due})
        order by p.free_at limit ${max} for update skip locked
      ), picked as (
        select distinct on (s.place) s.task_id, s.place
        from slack_messages s join places on places.place = s.place
        where ${due} order by s.place, s.due_at
      ), paced as (
        update slack_places p set free_at = now() + make_interval(secs => ${PACE_SECONDS})
        from picked where p.place = picked.place
      )
      update slack_messages s
      set epoch = s.epoch + 1, attempts = s.attempts + 1,
        lease_until = now() + make_interval(secs => ${SLACK_LEASE_SECONDS})
      from picked where s.task_id = picked.task_id
      returning s.task_id, s.epoch, s.place, s.thread_ts, s.channel, s.ts, s.user_id,
        s.noted as version, s.unsure, s.attempts`;
  });
}

/** What a message is to show, and the outcomes that are told by showing it. */
export interface Wanted {
  task: Task;
  approvals: Approval[];
  /** How many messages have come for the task after it was made. */
  later: number;
  assignee: { id: string; email: string; slack_id: string | null; kind: "system" | "person" };
  outcomes: string[];
}

/** The task as it is now; undefined when it is gone. */
export async function readWanted(
  database: Database,
  taskId: string,
): Promise<Wanted | undefined> {
  const [row] = await database.query(
    "read what Slack is to show",
    (sql) =>
      sql<
        {
          outcomes: string[];
          later: number;
          approvals: (Omit<Approval, "arguments"> & { arguments: string })[];
        }[]
      >`
        select (select count(*)::int from task_inbox where task_id = ${taskId}) as later,
          coalesce((select json_agg(id) from notifications
            where task_id = ${taskId} and channel = 'slack' and state = 'pending'
              and kind = any(${OUTCOMES}::text[])), '[]') as outcomes,
          coalesce((select json_agg(a order by a.id) from approvals a
            where task_id = ${taskId} and state = 'pending' and expires_at > now()), '[]')
            as approvals`,
  );
  // The task last: it is at least as new as the outcomes that are told by showing it.
  const [assignee] = await database.query(
    "read a task's assignee",
    (sql) =>
      sql<Wanted["assignee"][]>`
      select u.id, u.email, u.slack_id, u.kind
      from tasks t join users u on u.id = t.assigned_to where t.id = ${taskId}`,
  );
  const task = await readTask(database, taskId);
  if (!task || !assignee) return undefined;
  const approvals = row.approvals.map((each) => ({
    ...each,
    arguments: JSON.parse(each.arguments),
  }));
  return { task, approvals, assignee, later: row.later, outcomes: row.outcomes };
}

/**
 * Right before a call: takes the lease for as long as the call may last, and the
 * place's next second. For a post it also writes down that one is under way.
 *
 * @returns false when the lease was lost meanwhile: then do not call.
 */
export async function beginCall(
  database: Database,
  { task_id, epoch, place }: SlackMessage,
  { post }: { post: boolean },
): Promise<boolean> {
  const asked = performance.now();
  const rows = await database.query("begin a call of Slack", (sql) =>
    sql`
      with held as (
        update slack_messages
        set lease_until = now() + make_interval(secs => ${SLACK_LEASE_SECONDS}),
          unsure = unsure + ${post ? 1 : 0}
        where task_id = ${task_id} and epoch = ${epoch} and lease_until > now()
        returning task_id
      ), paced as (
        update slack_places
        set free_at = greatest(free_at, now() + make_interval(secs => ${PACE_SECONDS}))
        where place = ${place} and exists (select from held)
      )
      select task_id from held`);
  // A process that was frozen here has lost its lease without being told.
  return rows.length > 0 && performance.now() - asked < SURE_MS;
}

/** What is told of the tasks that `noteChanges` has `seen`. */
const outcomes = (sql: Sql) =>
  sql`
    select id,
      coalesce((
        select 'task_event:' || e.id from task_events e
        where e.task_id = seen.task_id and e.kind = seen.status order by e.at desc, e.id desc
        limit 1), 'task:' || task_id || ':' || epoch || ':' || status),
      task_id, null::uuid, ${SLACK_CHANNEL}::text,
      case place when ${DIRECT} then email else concat_ws('/', place, thread_ts) end, status,
      case status when 'completed' then 'Completed: ' || title
        when 'waiting_input'
          then 'Waiting for you: ' || title || coalesce(' (' || question || ')', '')
        else 'Failed: ' || title || coalesce(' (' || error_message || ')', '') end
    from seen where status = any(${OUTCOMES}::text[]) and not for_nobody`;

import { notHeld } from "../../message/group/group.ts";
import { COUNTED } from "../../store/counts.ts";
import type { Sql } from "../../store/database.ts";
import { WEB_CHANNEL } from "../../store/outbox.ts";
import { TASK_STATUSES } from "../../task/task.ts";
import type { Stats } from "./stats.ts";

/** As many as a person looks through; the rest is found by the lists' filters. */
const RECENT = 20;
/** Unknown types are the senders' inventions: the most frequent ones say enough. */
const MOST_TYPES = 50;
/** Latencies are those of now, and a thousand gives a p99 of ten items. */
const LATEST = 1_000;
/** What workers have in hand is among the oldest. */
const MOST_IN_PROGRESS = 2_000;

/** What the statement answers. */
export type StatsRow = Omit<Stats, "queue" | "jobs" | "refused"> & {
  waiting: QueueWait;
  tasks: TaskCounts;
};
type TaskCounts = Omit<Stats["jobs"], "backend" | "arq">;
type QueueWait = Pick<Stats["queue"], "depth" | "in_progress" | "held" | "oldest_age_seconds">;

/** One statement, so that all numbers are of one moment. */
export const selectStats = (sql: Sql) =>
  sql<StatsRow[]>`
    with totals as materialized (
      select kind, type, state, sum(items)::int as items, sum(repeats)::int as repeats from counts
      where ${sql.unsafe(COUNTED)} group by 1, 2, 3
      union all select 'message', webhook_type, state, count(*), sum(repeats) from messages
      where not ${sql.unsafe(COUNTED)} group by 2, 3
      union all select 'task', '', status, count(*), 0 from tasks
      where not ${sql.unsafe(COUNTED)} group by 3
      union all select 'task_messages', '', status, sum(messages), 0 from tasks
      where not ${sql.unsafe(COUNTED)} group by 3
    ), held as materialized (
      select count(*) as items from messages m join burst_messages b on b.message_id = m.id
      join bursts on bursts.id = b.burst_id where m.state = 'new'
    ), message_totals as (
      select type, state, items, repeats from totals where kind = 'message'
    ), completed as materialized (
      select received_at, stored_at, claimed_at, settled_at,
        -- These are stored long after their receipt, when a person says so.
        replay_of is null and released_at is null as came
      from messages
      where settled_at is not null and claimed_at is not null
        -- They waited for others, as they were told to.
        and not exists (select from burst_messages where message_id = messages.id)
      order by settled_at desc limit ${LATEST}
    ), finished as materialized (
      select started_at, finished_at, waited_ms from tasks
      where finished_at is not null and started_at is not null
      order by finished_at desc limit ${LATEST}
    ), sent as materialized (
      select created_at, sent_at, channel <> ${WEB_CHANNEL} as called
      from notifications where sent_at is not null
      order by id desc limit ${LATEST}
    )
    select (${messageCounts(sql)}) as messages, (${typeCounts(sql)}) as by_type,
      (${phaseCounts(sql)}) as phases, (${queueWait(sql)}) as waiting, (${
    taskCounts(sql)
  }) as tasks,
      ${lastHour(sql)} as last_hour, ${stageLatencies(sql)} as stages,
      (select json_build_object('dead', count(*)) from notifications where state = 'dead')
        as notifications,
      (${recentFailed(sql)}) as recent_failed, (${failedTasks(sql)}) as failed_tasks,
      (${deadNotifications(sql)}) as dead_notifications`;

const messageCounts = (sql: Sql) =>
  sql`
    select json_build_object(
      'total', coalesce(sum(items), 0),
      'new', coalesce(sum(items) filter (where state = 'new'), 0),
      'processed', coalesce(sum(items) filter (where state = 'processed'), 0),
      'filtered', coalesce(sum(items) filter (where state = 'filtered'), 0),
      'failed', coalesce(sum(items) filter (where state = 'failed'), 0),
      'rejected', coalesce(sum(items) filter (where state = 'rejected'), 0),
      'repeats', coalesce(sum(repeats), 0))
    from message_totals`;

const typeCounts = (sql: Sql) =>
  sql`
    select coalesce(json_object_agg(type, items), '{}') from (
      select type, sum(items)::int as items from message_totals
      group by type having sum(items) > 0 order by 2 desc, 1 limit ${MOST_TYPES}) types`;

const queueWait = (sql: Sql) =>
  sql`
    select json_build_object(
      'depth', greatest(0, waiting.items - held.items),
      'held', held.items,
      'in_progress', (select count(*) filter (where lease_until > now())
        from (select lease_until from messages where state = 'new' and ${notHeld(sql)}
          order by id limit ${MOST_IN_PROGRESS}) m),
      'oldest_age_seconds', (select round(extract(epoch from now() - stored_at)::numeric, 1)
        from messages where state = 'new' and ${notHeld(sql)} order by id limit 1))
    from (select coalesce(sum(items), 0) as items from message_totals where state = 'new') waiting,
      held`;

/**
 * PHASE, counted: messages without a task by their state, those with one by its status. What has
 * no task any more counts as done, as there.
 */
const phaseCounts = (sql: Sql) =>
  sql`
    select json_build_object(
      'queued', greatest(0, m.new - held.items) + greatest(0, t.pending - delayed.items),
      'held', held.items,
      'working', t.running,
      'waiting', least(t.pending, delayed.items) + t.waiting_event,
      'needs_you', t.waiting_input,
      'done', t.completed + greatest(0, m.processed - t.total),
      'failed', m.failed + t.failed,
      'cancelled', t.cancelled,
      'filtered', m.filtered,
      'refused', m.rejected)
    from (select ${sumByState(sql, ["new", "processed", "filtered", "failed", "rejected"])}
        from message_totals) m,
      (select ${
    sumByState(sql, TASK_STATUSES)
  }, coalesce(sum(items), 0) as total from totals where kind = 'task_messages') t,
      (select coalesce(sum(messages), 0) as items from tasks
        where open and not_before > now() and status = 'pending') delayed,
      held`;

/** One column for each, such as `new`: how many there are. */
function sumByState(sql: Sql, states: readonly string[]) {
  return sql.unsafe(
    states.map((state) => `coalesce(sum(items) filter (where state = '${state}'), 0) as "${state}"`)
      .join(", "),
  );
}

const taskCounts = (sql: Sql) =>
  sql`
    select json_build_object(
      'pending', coalesce(sum(items) filter (where state = 'pending'), 0),
      'put_off', (select count(*) from tasks
        where open and not_before > now() and status = 'pending'),
      'running', coalesce(sum(items) filter (where state = 'running'), 0),
      'waiting_input', coalesce(sum(items) filter (where state = 'waiting_input'), 0),
      'waiting_event', coalesce(sum(items) filter (where state = 'waiting_event'), 0),
      'completed', coalesce(sum(items) filter (where state = 'completed'), 0),
      'failed', coalesce(sum(items) filter (where state = 'failed'), 0),
      'cancelled', coalesce(sum(items) filter (where state = 'cancelled'), 0),
      'oldest_age_seconds', (select round(extract(epoch from now() - created_at)::numeric, 1)
        from tasks where open and question is null and status = 'pending' order by id limit 1))
    from totals where kind = 'task'`;

const lastHour = (sql: Sql) =>
  sql`
    (select json_build_object(
      'received', coalesce(sum(items) filter (where kind = 'message' and state = 'received'), 0),
      'processed', coalesce(sum(items) filter (where kind = 'message' and state = 'processed'), 0),
      'failed', coalesce(sum(items) filter (where kind = 'message' and state = 'failed'), 0),
      'completed_tasks', coalesce(sum(items) filter (where kind = 'task' and state = 'completed'), 0))
    from activity where minute > now() - interval '1 hour')`;

const stageLatencies = (sql: Sql) =>
  sql`
    json_build_object(
      'receive', (select ${
    sql.unsafe(latency("stored_at - received_at"))
  } from completed where came),
      'queue', (select ${sql.unsafe(latency("claimed_at - stored_at"))} from completed),
      'task', (select ${sql.unsafe(latency("settled_at - claimed_at"))} from completed),
      'agent', (select ${
    sql.unsafe(latency("finished_at - started_at", "waited_ms"))
  } from finished),
      -- In the web UI all is told at once: it says nothing of those who have to be called.
      'notify', (select ${sql.unsafe(latency("sent_at - created_at"))} from sent
        where called or not exists (select from sent where called)))`;

/** The SQL of a stage's latencies; `lessMs` is no part of it. */
function latency(duration: string, lessMs = "0"): string {
  const at = (share: number) =>
    `round((percentile_cont(${share}) within group (
      order by greatest(0, extract(epoch from ${duration}) * 1000 - ${lessMs})))::numeric, 1)`;
  return `json_build_object('p50_ms', ${at(0.5)}, 'p99_ms', ${at(0.99)})`;
}

const recentFailed = (sql: Sql) =>
  sql`
    select coalesce(json_agg(f), '[]') from (
      select id as message_id, webhook_type, error, attempts, settled_at as failed_at
      from messages where state = 'failed' order by settled_at desc nulls last limit ${RECENT}) f`;

const failedTasks = (sql: Sql) =>
  sql`
    select coalesce(json_agg(f), '[]') from (
      select id, title, error_message as error, finished_at
      from tasks where status = 'failed' and error_code is not null
      order by finished_at desc nulls last limit ${RECENT}) f`;

const deadNotifications = (sql: Sql) =>
  sql`
    select coalesce(json_agg(f), '[]') from (
      select id, task_id, channel, destination, error, attempts
      from notifications where state = 'dead' order by id desc limit ${RECENT}) f`;

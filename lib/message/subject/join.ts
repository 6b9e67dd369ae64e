import type { Fragment, Sql } from "../../store/database.ts";
import { WITHDRAWN } from "./withdrawal.ts";

/** A task that waits for an event is woken after so much quiet: one review is several events. */
const QUIET_SECONDS = 10;
/** And no later than so long after the first of them. */
const MOST_QUIET_SECONDS = 60;

/**
 * Parts of the statement that completes messages, which has `outcome`, `ours` and `told`: `joined` tells open
 * tasks that there is something new for them, as long as they are open and wait for what they
 * waited for when it was decided. A task that nobody has begun ends with what closes its subject;
 * another hears of it, unless it is opened again before that.
 */
export function joinTasks(sql: Sql): Fragment {
  return sql`
    wanted as (
      select o.join_task as id, max(o.join_key) as wait_key, count(*) as items,
        bool_or(o.wakes) as wakes,
        max(o."messageId"::text) filter (where o.join_role = 'closes') as closed_by,
        bool_or(o.join_role = 'opens') as reopened,
        bool_and(o.maker is null) as is_there
      from outcome o join told on told.source = o.subject_source and told.key = o.subject_key
        join ours on ours.id = o."messageId"
      where o.join_task is not null
      group by 1
    ), taken as (
      -- In one order, as everybody takes several.
      select w.* from tasks t join wanted w on w.id = t.id
      where w.is_there order by t.id for update of t
    ), joined as (
      update tasks t
      set news = t.news + w.items, messages = t.messages + w.items,
        closed_by = case when w.closed_by is null and w.reopened then null
          else coalesce(t.closed_by, w.closed_by::uuid) end,
        status = case when w.closed_by is null then t.status
          when t.status = 'pending' and t.started_at is null then 'cancelled'
          when t.status in ('waiting_input', 'waiting_event') then 'pending' else t.status end,
        -- Whoever has it in hand loses it: nobody has begun it.
        epoch = t.epoch + (w.closed_by is not null and t.status = 'pending'
          and t.started_at is null)::int,
        finished_at = case when w.closed_by is not null and t.status = 'pending'
          and t.started_at is null then now() else t.finished_at end,
        answer = case when w.closed_by is not null and t.status = 'waiting_input'
          then ${WITHDRAWN} else t.answer end,
        question = case when w.closed_by is null then t.question end,
        attempts = case when w.closed_by is not null
          and t.status in ('waiting_input', 'waiting_event') then 0 else t.attempts end,
        wait_key = case when w.closed_by is null then t.wait_key end,
        wait_for = case when w.closed_by is null then t.wait_for end,
        wait_until = case when w.closed_by is null then t.wait_until end,
        waking_since = case when w.wakes and t.status = 'waiting_event'
          then coalesce(t.waking_since, now()) else t.waking_since end,
        wake_at = case when w.wakes and t.status = 'waiting_event' then least(
          now() + make_interval(secs => ${QUIET_SECONDS}),
          coalesce(t.waking_since, now()) + make_interval(secs => ${MOST_QUIET_SECONDS}))
          else t.wake_at end
      from taken w
      where t.id = w.id and t.open and t.wait_key is not distinct from w.wait_key
      returning t.id, t.status, w.closed_by
    ), withdrawn as (
      update approvals a set state = 'withdrawn'
      from joined where a.task_id = joined.id and joined.closed_by is not null
        and a.state in ('pending', 'approved')
    )`;
}

/** The same, after `completed` and `made`: what the tasks are to read. */
export function fillInbox(sql: Sql): Fragment {
  return sql`
    inboxed as (
      insert into task_inbox (task_id, message_id, role)
      select c.join_task, c.id, c.join_role from completed c
      where c.join_task is not null and (
        exists (select from joined where joined.id = c.join_task)
        or exists (select from made where made.id = c.join_task))
      on conflict do nothing
      returning task_id, message_id
    ), told_apart as (
      insert into task_events (id, task_id, kind, actor, data)
      select c.event_id, c.join_task,
        case c.join_role when 'closes' then 'closed' else 'message_added' end, 'otto', jsonb_build_object('message_id', c.id,
        'title', c.own_title, 'role', c.join_role)
      from completed c where (c.join_task, c.id) in (select task_id, message_id from inboxed)
    )`;
}

create index concurrently if not exists tasks_delayed on tasks (not_before)
  where open and not_before is not null;

create index concurrently if not exists messages_failed_at on messages (settled_at desc nulls last)
  where state = 'failed';

create index concurrently if not exists tasks_failed_at on tasks (finished_at desc nulls last)
  where error_code is not null;

-- once, when what the triggers have counted so far is known to be in it
with counted as (
  select status, sum(messages) as items from tasks
  where not exists (select from upgrades where name = 'task messages counted') group by 1
), seen as (
  delete from counts where kind = 'task_messages'
    and not exists (select from upgrades where name = 'task messages counted')
), kept as (
  insert into counts (kind, state, items) select 'task_messages', status, items from counted
)
insert into upgrades (name) select 'task messages counted'
where not exists (select from upgrades where name = 'task messages counted');

-- when the release before is gone: it makes one task of several messages without saying so
update tasks t set messages = c.messages from (
  select task_id, count(*)::int as messages from messages
  where task_id is not null group by task_id having count(*) > 1) c
where t.id = c.task_id and t.messages <> c.messages;

-- in batches
update tasks set open = true where id in (
  select id from tasks
  where status in ('pending', 'running', 'waiting_input') and open is null
  order by id limit 5000 for no key update);

-- once, when what the triggers have counted so far is known to be in it
with counted as (
  select 'message' as kind, webhook_type as type, state, count(*) as items,
    sum(repeats) as repeats
  from messages where not exists (select from upgrades where name = 'counted') group by 2, 3
  union all select 'task', '', status, count(*), 0 from tasks
  where not exists (select from upgrades where name = 'counted') group by 3
), seen as (
  delete from counts where not exists (select from upgrades where name = 'counted')
), kept as (
  insert into counts (kind, type, state, items, repeats) select * from counted
)
insert into upgrades (name) select 'counted'
where not exists (select from upgrades where name = 'counted');

create index concurrently if not exists messages_task on messages (task_id)
  where task_id is not null;

create index concurrently if not exists messages_unprocessed on messages (state, id)
  where state <> 'processed';

create index concurrently if not exists messages_source on messages (source, id);

create index concurrently if not exists messages_replays on messages (replay_of, id)
  where replay_of is not null;

-- Nobody starts what waits for an answer, for days at times.
create index concurrently if not exists tasks_claimable on tasks (id)
  where open and question is null;

create index concurrently if not exists tasks_unended on tasks (id) where open;

create index concurrently if not exists tasks_assigned on tasks (assigned_to, id) where open;

create index concurrently if not exists tasks_errors on tasks (id) where error_code is not null;

create index concurrently if not exists tasks_jobless on tasks (id)
  where job_state is null and open and question is null;

-- when the release before is gone: what it needs, and what keeps updates from being HOT
drop index concurrently if exists messages_waiting;

drop index concurrently if exists messages_suspect;

drop index concurrently if exists messages_failed;

drop index concurrently if exists messages_counts;

drop index concurrently if exists tasks_waiting;

drop index concurrently if exists tasks_failed;

drop index concurrently if exists tasks_open;

drop index concurrently if exists tasks_unsubmitted;

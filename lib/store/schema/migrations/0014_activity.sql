-- What happened in each minute, for charts and for "in the last hour": every statement that changes
-- something adds a row, workers add them up, and after a day make hours of them.
create table activity (
  minute timestamptz not null,
  kind   text not null check (kind in ('message', 'task')),
  type   text not null, -- the source: a sender can invent names of types, and no sources
  state  text not null, -- what they came to; 'received' for new messages
  items  bigint not null
);
create index activity_minute on activity (minute);
alter table activity set (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- How many messages were made one task. The locks are taken in the order in which every statement on
-- tasks takes them: its trigger writes counts.
alter table tasks add column messages integer not null default 1;

-- Beside how many tasks there are of a status: how many messages these have, for the phase.
alter table counts drop constraint counts_kind_check;
alter table counts add constraint counts_kind_check
  check (kind in ('message', 'task', 'task_messages'));

create or replace function count_messages() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    with came as (
      select webhook_type, source, state, count(*) as items, sum(repeats) as repeats
      from new_rows group by 1, 2, 3
    ), counted as (
      insert into counts (kind, type, state, items, repeats)
      select 'message', webhook_type, state, items, repeats from came
    )
    insert into activity (minute, kind, type, state, items)
    select date_trunc('minute', now()), 'message', source,
      case state when 'rejected' then 'rejected' else 'received' end, sum(items)
    from came group by 3, 4;
  elsif tg_op = 'DELETE' then
    insert into counts (kind, type, state, items, repeats)
    select 'message', webhook_type, state, -count(*), -sum(repeats) from old_rows group by 2, 3;
  else
    with changed as (
      select webhook_type, source, state, sum(items) as items, sum(repeats) as repeats from (
        select webhook_type, source, state, 1 as items, repeats from new_rows
        union all select webhook_type, source, state, -1, -repeats from old_rows) c
      group by 1, 2, 3 having sum(items) <> 0 or sum(repeats) <> 0
    ), counted as (
      insert into counts (kind, type, state, items, repeats)
      select 'message', webhook_type, state, items, repeats from changed
    )
    insert into activity (minute, kind, type, state, items)
    select date_trunc('minute', now()), 'message', source, state, sum(items)
    from changed where items > 0 and state in ('processed', 'filtered', 'failed') group by 3, 4;
  end if;
  return null;
end $$;

create or replace function count_tasks() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into counts (kind, state, items)
    select kind, status, sum(items) from (
      select 'task' as kind, status, 1 as items from new_rows
      union all select 'task_messages', status, messages from new_rows) c
    group by 1, 2;
  elsif tg_op = 'DELETE' then
    insert into counts (kind, state, items)
    select kind, status, -sum(items) from (
      select 'task' as kind, status, 1 as items from old_rows
      union all select 'task_messages', status, messages from old_rows) c
    group by 1, 2;
  else
    with changed as (
      select source, status, sum(items) as items, sum(messages) as messages from (
        select source, status, 1 as items, messages from new_rows
        union all select source, status, -1, -messages from old_rows) c
      group by 1, 2 having sum(items) <> 0 or sum(messages) <> 0
    ), counted as (
      insert into counts (kind, state, items)
      select kind, status, sum(items) from (
        select 'task' as kind, status, items from changed
        union all select 'task_messages', status, messages from changed) c
      group by 1, 2 having sum(items) <> 0
    )
    insert into activity (minute, kind, type, state, items)
    select date_trunc('minute', now()), 'task', source, status, items
    from changed where items > 0 and status in ('completed', 'failed', 'cancelled');
  end if;
  return null;
end $$;

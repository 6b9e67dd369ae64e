-- What the sender is called in the URL, where nobody knows it and its source is `generic`: so that
-- each name has numbers of its own. Empty where the source says it all. What a worker of the release
-- before adds up loses its name and counts for `generic`.
alter table activity add column name text not null default '';

-- How often the sender of a paused source was asked to come again. The rows are few: a person has
-- paused each of them, and they go when it is resumed.
create table turned_away (
  source  text primary key,
  count   bigint not null,
  last_at timestamptz not null
);

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
    insert into activity (minute, kind, type, name, state, items)
    select date_trunc('minute', now()), 'message', source,
      case source when 'generic' then lower(webhook_type collate "C") else '' end,
      case state when 'rejected' then 'rejected' else 'received' end, sum(items)
    from came group by 3, 4, 5;
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
    insert into activity (minute, kind, type, name, state, items)
    select date_trunc('minute', now()), 'message', source,
      case source when 'generic' then lower(webhook_type collate "C") else '' end,
      state, sum(items)
    from changed where items > 0 and state in ('processed', 'filtered', 'failed') group by 3, 4, 5;
  end if;
  return null;
end $$;

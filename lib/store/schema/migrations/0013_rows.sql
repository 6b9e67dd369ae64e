-- What came with a message and never changes, apart from what changes: an update of a message copies
-- its whole row. Rows are only inserted and deleted. Without a foreign key, whose checks would lock
-- every message once more; the trigger below removes them.
create table message_contents (
  message_id uuid primary key,
  envelope   text not null, -- JSON: url, client_ip, delivery_id, headers as they came
  body       text,
  body_bytes bytea
);
do $$ begin
  alter table message_contents alter column body set compression lz4;
  alter table message_contents alter column body_bytes set compression lz4;
exception when others then -- as in 0001
  alter table message_contents alter column body set storage external;
  alter table message_contents alter column body_bytes set storage external;
end $$;

-- How many messages there are of a type and state, and tasks of a status. Every statement that
-- changes it adds what it changed, so that nobody waits for anybody; workers add rows up.
create table counts (
  kind    text not null check (kind in ('message', 'task')),
  type    text not null default '', -- the webhook type of messages
  state   text not null,
  items   bigint not null,
  repeats bigint not null default 0
);
alter table counts set (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- How far upgrades have come that go on behind a running Otto.
create table upgrades (
  name   text primary key, -- what is finished; or 'turn': who is at it, until when
  at     timestamptz not null default now(),
  holder text
);

-- A worker of a release that does not say its name reads envelopes and bodies from `messages` only.
alter table workers add column release text;
-- From when on they may be written to message_contents alone: web processes of the release before,
-- which leave no sign, are about for a while unless the database is new.
insert into upgrades (name, at)
select 'contents apart',
  case when exists (select from messages) then now() + interval '15 minutes' else now() end;

create function forget_contents() returns trigger language plpgsql as $$
begin
  delete from message_contents where message_id in (select id from old_rows);
  return null;
end $$;

create function count_messages() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into counts (kind, type, state, items, repeats)
    select 'message', webhook_type, state, count(*), sum(repeats) from new_rows group by 2, 3;
  elsif tg_op = 'DELETE' then
    insert into counts (kind, type, state, items, repeats)
    select 'message', webhook_type, state, -count(*), -sum(repeats) from old_rows group by 2, 3;
  else
    insert into counts (kind, type, state, items, repeats)
    select 'message', webhook_type, state, sum(items), sum(repeats) from (
      select webhook_type, state, 1 as items, repeats from new_rows
      union all select webhook_type, state, -1, -repeats from old_rows) c
    group by 2, 3 having sum(items) <> 0 or sum(repeats) <> 0;
  end if;
  return null;
end $$;

create function count_tasks() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into counts (kind, state, items)
    select 'task', status, count(*) from new_rows group by 2;
  elsif tg_op = 'DELETE' then
    insert into counts (kind, state, items)
    select 'task', status, -count(*) from old_rows group by 2;
  else
    insert into counts (kind, state, items)
    select 'task', status, sum(items) from (
      select status, 1 as items from new_rows union all select status, -1 from old_rows) c
    group by 2 having sum(items) <> 0;
  end if;
  return null;
end $$;

-- A task that is not done yet: what its status says, in a column that stays as it is when a worker
-- starts it. A column in an index's predicate may not change in an update that shall leave the
-- indexes alone.
create function set_task_open() returns trigger language plpgsql as $$
begin
  new.open := new.status in ('pending', 'running', 'waiting_input');
  return new;
end $$;

-- From here on everything needs a lock, for a moment.
alter table messages alter column envelope drop not null;
-- Room for the next version of each row beside it: a claim changes a whole page of them at once.
alter table messages set (fillfactor = 45);
alter table tasks add column open boolean;
alter table tasks alter column open set default true;
-- What its message said, for the agent: event, actor, link, fields, text; and from_here. JSON as text,
-- since the fields have an order. Null where it is long, and for tasks of the release before: the
-- message is read again then.
alter table tasks add column described text;
alter table tasks set (fillfactor = 50);
create trigger messages_forget_contents after delete on messages
  referencing old table as old_rows for each statement execute function forget_contents();
create trigger messages_count_inserts after insert on messages
  referencing new table as new_rows for each statement execute function count_messages();
create trigger messages_count_updates after update on messages
  referencing old table as old_rows new table as new_rows
  for each statement execute function count_messages();
create trigger messages_count_deletes after delete on messages
  referencing old table as old_rows for each statement execute function count_messages();
create trigger tasks_count_inserts after insert on tasks
  referencing new table as new_rows for each statement execute function count_tasks();
create trigger tasks_count_updates after update on tasks
  referencing old table as old_rows new table as new_rows
  for each statement execute function count_tasks();
create trigger tasks_count_deletes after delete on tasks
  referencing old table as old_rows for each statement execute function count_tasks();
create trigger tasks_open before insert or update on tasks for each row
  when (new.open is distinct from (new.status in ('pending', 'running', 'waiting_input')))
  execute function set_task_open();

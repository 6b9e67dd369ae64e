-- An act on many things: which ones is fixed, by id, when it is confirmed; whoever works does it in
-- batches.
create table bulk_actions (
  id          uuid primary key,
  action      text not null,
  filter      jsonb not null, -- as it was asked for, to be read by people
  actor       text not null,
  started_by  jsonb,          -- as the audit log names them; nobody yet while it is null
  state       text not null,  -- preparing, ready, working, cancelling, cancelled, done
  total       int not null default 0,
  done        int not null default 0,
  failed      int not null default 0,
  parts       jsonb not null default '[]', -- how many of each source
  errors      jsonb not null default '[]', -- the first reasons, with how many and some of the ids
  worked_to   uuid,           -- all rows up to this one are settled
  epoch       int not null default 0,
  tries       int not null default 0, -- of the batch behind `worked_to`, which is settled by none yet
  lease_until timestamptz,
  created_at  timestamptz not null default now(),
  started_at  timestamptz,
  finished_at timestamptz
);

create index bulk_actions_open on bulk_actions (lease_until) where finished_at is null;

-- What is left to do, in the order of ids. No reference: to remove an action must not remove a
-- million of these in one statement.
create table bulk_rows (
  bulk_id uuid not null,
  row_id  uuid not null,
  begun   boolean not null default false,
  made    uuid, -- the id that its replay gets, so that a second try makes no second one
  primary key (bulk_id, row_id)
);

-- When a person let a refused message in: from its receipt to that is nobody's latency.
alter table messages add column released_at timestamptz;

-- How long a task has waited for people: that is not work. Kept by a trigger, so that the release
-- before keeps it, too.
alter table tasks add column waits_since timestamptz;
alter table tasks add column waited_ms float8 not null default 0;

create function note_waits() returns trigger language plpgsql as $$
begin
  if old.status = 'waiting_input' then
    new.waited_ms := new.waited_ms
      + coalesce(greatest(0, extract(epoch from now() - new.waits_since) * 1000), 0);
    new.waits_since := null;
  end if;
  if new.status = 'waiting_input' then new.waits_since := now(); end if;
  return new;
end $$;
create trigger tasks_note_waits before update of status on tasks for each row
  when (old.status is distinct from new.status
    and (old.status = 'waiting_input' or new.status = 'waiting_input'))
  execute function note_waits();

-- What messages are about. Every statement that writes several rows takes them in the order of
-- (source, key), and before those of messages and tasks.
create table subjects (
  id        uuid primary key,
  source    text not null,
  key       text not null, -- with the name in the URL before it: github:octo/phone#7
  name      text,
  link      text,
  named_by  uuid, -- the message that the name and the link are from
  verified  boolean not null, -- a verified message has told of it: no other names or ends it
  first_at  timestamptz not null default now(),
  last_at   timestamptz not null default now(),
  -- The senders' own times of the newest opening and the newest close, where they say them.
  opened_sent_at timestamptz,
  closed_sent_at timestamptz,
  closed_at timestamptz, -- null while it is open
  closed_by uuid,
  -- The task that later messages go to ("later": "continue"); it may have ended. The version grows
  -- with all that is decided about it: what was decided by an older one is decided anew.
  open_task uuid,
  version   integer not null default 1,
  -- A person resumes what the breaker has stopped.
  stopped_at  timestamptz,
  stopped_why text,
  resumed_at  timestamptz
);
create unique index subjects_key on subjects (source, key);
create index subjects_newest on subjects ((closed_at is null), last_at, id);
create index subjects_last on subjects (last_at);

-- Other keys that mean a subject: the commit at the head of a pull request.
create table subject_aliases (
  source   text not null,
  alias    text not null,
  key      text not null,
  verified boolean not null,
  sent_at  timestamptz not null, -- by the sender's clock where it says: the newest is the present one
  seen_at  timestamptz not null default now(),
  primary key (source, alias, key)
);
create index subject_aliases_key on subject_aliases (source, key, sent_at);
create index subject_aliases_seen on subject_aliases (seen_at);

-- Messages that came for a task after it was made. Unread as long as `delivered_at` is null.
create table task_inbox (
  task_id        uuid not null references tasks on delete cascade,
  message_id     uuid not null references messages on delete cascade,
  role           text not null,
  added_at       timestamptz not null default now(),
  delivered_step integer,
  delivered_at   timestamptz,
  primary key (task_id, message_id)
);
create index task_inbox_message on task_inbox (message_id);

-- As in 0013, with a status more: a task that waits for the next message of its subject.
create or replace function set_task_open() returns trigger language plpgsql as $$
begin
  new.open := new.status in ('pending', 'running', 'waiting_input', 'waiting_event');
  return new;
end $$;

-- As in 0021: a wait for an event is no work either.
create or replace function note_waits() returns trigger language plpgsql as $$
begin
  if old.status in ('waiting_input', 'waiting_event') then
    new.waited_ms := new.waited_ms
      + coalesce(greatest(0, extract(epoch from now() - new.waits_since) * 1000), 0);
    new.waits_since := null;
  end if;
  if new.status in ('waiting_input', 'waiting_event') then new.waits_since := now(); end if;
  return new;
end $$;

-- From here on everything needs a lock, for a moment.
alter table messages add column subject_id uuid;
alter table messages add column role text;
alter table tasks add column subject_id uuid;
-- It grows with every message for the inbox, and its agent says up to which it has read: columns of
-- the row that an end of the task writes, so that neither can miss the other.
alter table tasks add column news integer not null default 0;
alter table tasks add column read_news integer not null default 0;
-- It has ended and left messages unread, of which a new task is to be made.
alter table tasks add column leaves_unread boolean not null default false;
-- The message that closed its subject: one last step.
alter table tasks add column closed_by uuid;
-- Which events it waits for (globs), until when, and the wait's own name. Once one has come it is
-- woken at `wake_at`, after some quiet, and soon after the first, `waking_since`.
alter table tasks add column wait_key text;
alter table tasks add column wait_for jsonb;
alter table tasks add column wait_until timestamptz;
alter table tasks add column wake_at timestamptz;
alter table tasks add column waking_since timestamptz;
alter table tasks drop constraint tasks_status_check;
alter table tasks add constraint tasks_status_check check (status in
  ('pending', 'running', 'waiting_input', 'waiting_event', 'completed', 'failed', 'cancelled')) not valid;
drop trigger tasks_open on tasks;
create trigger tasks_open before insert or update on tasks for each row
  when (new.open is distinct from
    (new.status in ('pending', 'running', 'waiting_input', 'waiting_event')))
  execute function set_task_open();
drop trigger tasks_note_waits on tasks;
create trigger tasks_note_waits before update of status on tasks for each row
  when (old.status is distinct from new.status
    and (old.status in ('waiting_input', 'waiting_event')
      or new.status in ('waiting_input', 'waiting_event')))
  execute function note_waits();

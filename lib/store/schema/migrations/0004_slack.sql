-- What Slack shows of a task: one message, updated as the task moves.
create table slack_messages (
  task_id     uuid primary key references tasks on delete cascade,
  place       text not null, -- a channel's id, or 'dm': a direct message to the assignee
  thread_ts   text,          -- the thread in that channel which the task came from
  channel     text,          -- where Slack has put it: with ts the key of every update
  ts          text,
  user_id     uuid,          -- whom the direct message went to
  wanted      integer not null default 1, -- grows with every change of the task
  noted       integer not null default 0, -- up to here its outcomes are in the outbox
  shown       integer not null default 0, -- up to here Slack shows it
  unsure      integer not null default 0, -- posts whose answer never came
  attempts    integer not null default 0,
  epoch       integer not null default 0,
  error       text,
  due_at      timestamptz not null default now(), -- not before
  lease_until timestamptz
);
create index slack_messages_changed on slack_messages (task_id) where wanted > noted;
create index slack_messages_due on slack_messages (place, due_at) where noted > shown;
create index slack_messages_ts on slack_messages (channel, ts);
create index slack_messages_thread on slack_messages (place, thread_ts) where thread_ts is not null;

-- Whoever changes a task, what Slack shows of it is old. There are rows only where Slack is set up.
create function slack_message_is_old() returns trigger language plpgsql as $$
begin
  update slack_messages set wanted = wanted + 1 where task_id = new.id;
  return null;
end $$;
create trigger tasks_slack after update of status, assigned_to, title, question on tasks
  for each row
  when ((old.status, old.assigned_to, old.title, old.question)
    is distinct from (new.status, new.assigned_to, new.title, new.question))
  execute function slack_message_is_old();

-- Slack takes about one message a second in a channel: nobody calls before free_at.
create table slack_places (
  place   text primary key,
  free_at timestamptz not null default now()
);

-- Replies and clicks that were obeyed, by their place in Slack: Slack tells of a reply that
-- mentions the app twice, as a message and as a mention.
create table slack_commands (
  key        text primary key, -- channel:ts
  message_id uuid not null references messages on delete cascade
);
create index slack_commands_message on slack_commands (message_id);

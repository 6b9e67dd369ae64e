-- What a search goes along; processed messages, and tasks that have ended, are found by their ids.
create index if not exists messages_state on messages (state, id) where state <> 'processed';
create index if not exists messages_source on messages (source, id);
create index if not exists messages_task on messages (task_id) where task_id is not null;
create index if not exists messages_replays on messages (replay_of, id) where replay_of is not null;
create index if not exists tasks_open_ids on tasks (id)
  where status in ('pending', 'running', 'waiting_input');
create index if not exists tasks_errors on tasks (id) where error_code is not null;

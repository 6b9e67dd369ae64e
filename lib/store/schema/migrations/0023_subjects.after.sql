create index concurrently if not exists messages_subject on messages (subject_id, id)
  where subject_id is not null;

create index concurrently if not exists tasks_subject on tasks (subject_id, id)
  where subject_id is not null;

create index concurrently if not exists tasks_waiting_event on tasks (wait_until)
  where wait_until is not null;

create index concurrently if not exists tasks_leaving on tasks (id) where leaves_unread;

alter table tasks validate constraint tasks_status_check;

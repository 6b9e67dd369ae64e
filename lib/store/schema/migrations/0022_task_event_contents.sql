-- What a model said in a step and what a tool answered, bounded: it may repeat a payload, so it goes
-- with the message's contents, and the timeline, which is never changed, stays as it is.
create table task_event_contents (
  task_id  uuid not null references tasks on delete cascade,
  event_id uuid not null, -- of task_events
  content  text not null,
  primary key (task_id, event_id)
);

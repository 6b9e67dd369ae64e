-- With Redis a task is carried by a job there: job_state says what is known of it here.
--   null       no job of this round is in Redis: while the task is pending it is to be submitted
--   submitted  it is in Redis, and nobody was seen to start it
--   started    somebody works on it; job_epoch is the epoch that its start gave the task
-- The round is part of the job's id and grows when a job has ended.
alter table tasks add column job_state text check (job_state in ('submitted', 'started'));
alter table tasks add column job_round integer not null default 1;
alter table tasks add column job_epoch integer;
-- The try that claimed the task over HTTP, and how often the job was lost before its start.
alter table tasks add column job_try integer;
alter table tasks add column job_losses integer not null default 0;
alter table tasks add column job_submitted_at timestamptz;
-- When people were told that nobody starts it.
alter table tasks add column job_late_at timestamptz;
create index tasks_jobs on tasks (id) where job_state is not null;
create index tasks_unsubmitted on tasks (id)
  where job_state is null and status in ('pending', 'running');

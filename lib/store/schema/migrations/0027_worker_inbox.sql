-- Workers elsewhere that go on with what comes later. Whoever has a task, or had it last, has claimed
-- it so.
alter table tasks add column job_continues boolean not null default false;
-- What such a worker has read: in which round of the task's job, and how much had come by then, which
-- is the order in which it was handed out. Null where Otto's own agent has read it.
alter table task_inbox add column delivered_round integer;
alter table task_inbox add column delivered_news integer;

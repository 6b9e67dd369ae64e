create index concurrently if not exists notifications_needs on notifications (id)
  where kind in ('need', 'need_try');

create index concurrently if not exists tasks_asking on tasks (id)
  where open and question is not null;

-- What somebody has to read: outcomes stand in the lists. The list of kinds is NO_NOTICE's of
-- lib/monitor/needs/needs.ts.
create index concurrently if not exists notifications_notices on notifications (id)
  where channel = 'web' and read_at is null
    and kind not in ('completed', 'failed', 'waiting_input', 'message_failed');

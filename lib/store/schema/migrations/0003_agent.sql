-- What a task that waited for a person was told, until its agent has taken note of it; and
-- when a task that was put off may be tried again.
alter table tasks add column answer text;
alter table tasks add column not_before timestamptz;

-- What happened stays as it was written: the timeline is also the log of what an agent did.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed', tg_table_name using errcode = '55000';
end $$;
create trigger task_events_append_only before update on task_events
  for each row execute function refuse_change();

-- How far an agent has come with a task, saved after every step. A retry by a person begins
-- another run, without a state.
create table agent_runs (
  task_id    uuid primary key references tasks on delete cascade,
  run        integer not null default 1,
  state      jsonb,
  updated_at timestamptz not null default now()
);

-- Every tool call that was let through, by its place in the run: it is made once. 'started'
-- without 'done' means that its worker was lost and nobody knows whether it had an effect.
create table agent_calls (
  task_id    uuid not null references tasks on delete cascade,
  key        text not null, -- run:step:index
  tool       text not null,
  state      text not null check (state in ('started', 'done')),
  result     jsonb,
  started_at timestamptz not null default now(),
  done_at    timestamptz,
  primary key (task_id, key)
);

-- A person's word on one tool call with exactly these arguments, good for one use.
create table approvals (
  id             uuid primary key,
  task_id        uuid not null references tasks on delete cascade,
  key            text not null, -- the tool call it is about, as in agent_calls
  tool           text not null,
  arguments      text not null, -- canonical JSON
  sha256         text not null, -- of tool and arguments
  rule           text not null, -- why the policy asks
  policy_version text not null,
  state          text not null default 'pending' check (state in
                 ('pending', 'approved', 'denied', 'expired', 'withdrawn', 'used')),
  requested_at   timestamptz not null default now(),
  expires_at     timestamptz not null,
  decided_by     text,
  decided_at     timestamptz,
  unique (task_id, key)
);
create index approvals_pending on approvals (expires_at) where state = 'pending';

-- What the agent has used for each source, by the hour.
create table agent_usage (
  source text not null,
  hour   timestamptz not null,
  tasks  integer not null default 0,
  tokens bigint not null default 0,
  primary key (source, hour)
);

-- What a tool of an MCP server looked like when it was first used.
create table mcp_tools (
  name        text primary key, -- server__tool
  fingerprint text not null,
  pinned_at   timestamptz not null default now()
);

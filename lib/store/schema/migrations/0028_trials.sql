-- A kept message that is given to the model once more, with another instruction or model and
-- without any effect. It is no task: nothing that lists, counts or tells of tasks reads this table,
-- and it goes with its message, and with what that said.
create table trials (
  id            uuid primary key,
  message_id    uuid not null references messages on delete cascade,
  source        text not null,
  batch_id      uuid,           -- of those that were begun together
  instruction   text,           -- null is the source's own
  tools         jsonb,          -- names; null are the source's own
  model         text not null,  -- provider/model
  requested_by  text not null,
  status        text not null default 'pending' check (status in
                ('pending', 'running', 'completed', 'failed', 'cancelled')),
  slot          integer,        -- among its message's open ones; null when it has ended
  epoch         integer not null default 0,
  attempts      integer not null default 0, -- workers lost since it last came on, and the present one
  worker        text,
  lease_until   timestamptz,
  not_before    timestamptz,
  waits_for     text,           -- why it is not gone on with before that
  deadline_at   timestamptz not null,
  state         jsonb,          -- how far the run has come; null when it has ended
  events        jsonb not null default '[]', -- as in task_events, secrets taken out
  counted       boolean not null default false, -- among its source's tasks, for their budget
  lost_tokens   bigint not null default 0, -- of calls whose worker was lost, as in agent_runs
  result_text   text,
  result_data   jsonb,
  error_code    text,
  error_message text,
  created_at    timestamptz not null default now(),
  started_at    timestamptz,
  finished_at   timestamptz
);

create index trials_by_message on trials (message_id, id);
-- So many of a message are open at once, however many ask for one.
create unique index trials_open on trials (message_id, slot) where slot is not null;
create index trials_batch on trials (batch_id) where batch_id is not null;

-- What reserve_budget does for a task, for a trial: its calls come out of the same budgets, behind
-- the same lock, and it counts as one of its source's tasks.
--
-- p: trial, epoch, and the rest as in reserve_budget.
-- Returns the output granted; null where nothing was reserved; -1 where a newer turn has the trial.
create function reserve_trial_budget(p jsonb) returns bigint language plpgsql as $$
declare
  v_trial uuid := (p->>'trial')::uuid;
  v_output bigint;
  v_begins boolean;
begin
  select not counted and state is null into v_begins from trials
    where id = v_trial and epoch = (p->>'epoch')::integer and status = 'running' for update;
  if not found then return -1; end if;
  perform pg_advisory_xact_lock(1330926671, 24);
  v_output := reserve_in_scopes(p, v_trial, v_begins, clock_timestamp());
  if v_begins and v_output is not null then
    update trials set counted = true where id = v_trial;
  end if;
  return v_output;
end $$;

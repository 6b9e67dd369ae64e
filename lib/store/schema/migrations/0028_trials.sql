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
  v_input bigint := (p->>'input')::bigint;
  v_output bigint := (p->>'output')::bigint;
  v_input_price numeric := coalesce((p->>'input_price')::numeric, 0);
  v_output_price numeric := coalesce((p->>'output_price')::numeric, 0);
  v_now timestamptz;
  v_begins boolean;
  v_scope record;
  v_spent record;
  v_left numeric;
begin
  select not counted and state is null into v_begins from trials
    where id = v_trial and epoch = (p->>'epoch')::integer and status = 'running' for update;
  if not found then return -1; end if;
  perform pg_advisory_xact_lock(1330926671, 24);
  v_now := clock_timestamp();

  for v_scope in
    select * from jsonb_to_recordset(p->'scopes')
      as s(source text, tasks_per_hour bigint, tokens_per_day bigint, micros_per_day bigint)
  loop
    select u.tokens + r.tokens as tokens, u.micros + r.micros as micros, u.tasks
      into v_spent from (
        select coalesce(sum(tokens), 0) as tokens, coalesce(sum(micros), 0) as micros,
          coalesce(sum(tasks) filter (where hour = date_trunc('hour', v_now)), 0) as tasks
        from agent_usage where hour > v_now - interval '25 hours'
          and (v_scope.source is null or source = v_scope.source)
      ) u, (
        select coalesce(sum(tokens), 0) as tokens, coalesce(sum(micros), 0) as micros
        from budget_reservations where v_scope.source is null or source = v_scope.source
      ) r;
    if v_begins and v_spent.tasks >= v_scope.tasks_per_hour then return null; end if;
    v_output := least(v_output, v_scope.tokens_per_day - v_spent.tokens - v_input);
    v_left := v_scope.micros_per_day - v_spent.micros - ceil(v_input * v_input_price);
    if v_output_price > 0 then
      v_output := least(v_output, floor(v_left / v_output_price));
    elsif v_left < 0 then
      return null;
    end if;
  end loop;
  if v_output < (p->>'least')::bigint then return null; end if;

  with lost as (
    delete from budget_reservations where task_id = v_trial
    returning source, tokens, micros, reserved_at
  )
  insert into agent_usage as u (source, hour, tokens, micros)
    select source, date_trunc('hour', reserved_at), tokens, micros from lost
    on conflict (source, hour) do update
    set tokens = u.tokens + excluded.tokens, micros = u.micros + excluded.micros;
  insert into budget_reservations (task_id, id, epoch, source, tokens, micros, reserved_at)
    values (v_trial, (p->>'id')::uuid, (p->>'epoch')::integer, p->>'source', v_input + v_output,
      ceil(v_input * v_input_price + v_output * v_output_price), v_now);
  if v_begins then
    update trials set counted = true where id = v_trial;
    insert into agent_usage as u (source, hour, tasks)
      values (p->>'source', date_trunc('hour', v_now), 1)
      on conflict (source, hour) do update set tasks = u.tasks + 1;
  end if;
  return v_output;
end $$;

-- Budgets are reserved before they are spent. A row is the most that one model call under way may
-- bill; it goes, in the same statement that counts what was billed, when the call is settled. There
-- is no foreign key: what a deleted task has spent was spent all the same.
create table budget_reservations (
  task_id     uuid primary key, -- one call at a time
  id          uuid not null unique, -- of the call
  epoch       integer not null,
  source      text not null,
  tokens      bigint not null check (tokens >= 0),
  micros      bigint not null default 0 check (micros >= 0), -- millionths of the prices' currency
  reserved_at timestamptz not null default now()
);

alter table agent_usage add column micros bigint not null default 0;

-- Which run of a task was counted among its source's tasks, and what calls of that run have billed,
-- as far as anybody can know, whose worker was lost.
alter table agent_runs add column counted_run integer not null default 0;
alter table agent_runs add column lost_tokens bigint not null default 0;

-- Reserves for one model call what its task, its source and all sources together have left. A
-- function, because each of its statements sees what was committed before it began: behind the lock
-- nobody else reserves, so what it sums up is what there is. The lock is its last one, so that it
-- waits for nobody who waits for it.
--
-- p: task, epoch, id, source; input, output, least (tokens of the call; it gets less output where
-- less is left, but not less than `least`); input_price, output_price (micros per token);
-- scopes: [{source or null for all, tasks_per_hour, tokens_per_day, micros_per_day}],
-- where null is no limit.
-- Returns the output granted; null where nothing was reserved; -1 where a newer turn has the task.
create function reserve_budget(p jsonb) returns bigint language plpgsql as $$
declare
  v_task uuid := (p->>'task')::uuid;
  v_input bigint := (p->>'input')::bigint;
  v_output bigint := (p->>'output')::bigint;
  v_input_price numeric := coalesce((p->>'input_price')::numeric, 0);
  v_output_price numeric := coalesce((p->>'output_price')::numeric, 0);
  v_now timestamptz;
  v_begins boolean;
  v_run integer;
  v_scope record;
  v_spent record;
  v_left numeric;
begin
  perform from tasks where id = v_task and epoch = (p->>'epoch')::integer and status = 'running'
    for update;
  if not found then return -1; end if;
  perform pg_advisory_xact_lock(1330926671, 24);
  -- The wait for the lock may have been long, and now() is of before.
  v_now := clock_timestamp();
  select r.run, r.counted_run < r.run and r.state is null into v_run, v_begins
    from agent_runs r where r.task_id = v_task;
  if not found then return -1; end if;

  for v_scope in
    select * from jsonb_to_recordset(p->'scopes')
      as s(source text, tasks_per_hour bigint, tokens_per_day bigint, micros_per_day bigint)
  loop
    -- 25 hours, of which the oldest is whole: in no 24 hours is more spent. What is spent and what is
    -- reserved are one statement's sums: a call that is settled in between would be in neither.
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

  -- A row that is still there is of a call that nobody has settled.
  with lost as (
    delete from budget_reservations where task_id = v_task
    returning source, tokens, micros, reserved_at
  )
  insert into agent_usage as u (source, hour, tokens, micros)
    select source, date_trunc('hour', reserved_at), tokens, micros from lost
    on conflict (source, hour) do update
    set tokens = u.tokens + excluded.tokens, micros = u.micros + excluded.micros;
  insert into budget_reservations (task_id, id, epoch, source, tokens, micros, reserved_at)
    values (v_task, (p->>'id')::uuid, (p->>'epoch')::integer, p->>'source', v_input + v_output,
      ceil(v_input * v_input_price + v_output * v_output_price), v_now);
  if v_begins then
    update agent_runs set counted_run = v_run where task_id = v_task;
    insert into agent_usage as u (source, hour, tasks)
      values (p->>'source', date_trunc('hour', v_now), 1)
      on conflict (source, hour) do update set tasks = u.tasks + 1;
  end if;
  return v_output;
end $$;

-- What tasks about one subject have used, where their source limits it. There are no foreign keys:
-- what was spent was spent, whatever is deleted.
create table subject_usage (
  subject_id uuid not null,
  hour       timestamptz not null,
  tokens     bigint not null default 0,
  primary key (subject_id, hour)
);
create index subject_usage_hour on subject_usage (hour);

-- Null where the subject has no budget of its own.
alter table budget_reservations add column subject_id uuid;

-- The round of its run that was counted last among its source's tasks: going on counts as a task does.
alter table agent_runs add column counted_round integer not null default 0;
-- The release before has counted no run that had heard of later messages before its first call.
update agent_runs set counted_run = run
  where state is not null and counted_run < run and task_id in (select id from tasks where open);

-- What one call, of a task's run or of whatever else has one, reserves in all of its scopes, or in
-- none. Its caller holds the row of its owner, and then the lock behind which nobody else reserves.
--
-- p: as reserve_budget has it in 0024, with `subject`, whose usage it counts in, and a scope more,
-- `subject`, of which only tokens are limited.
-- its_owner: a row's id, a call at a time; begins: it counts among its source's tasks, too.
-- its_time: since the lock was got.
-- Returns the output granted; null where nothing was reserved.
create function reserve_in_scopes(p jsonb, its_owner uuid, begins boolean, its_time timestamptz)
returns bigint language plpgsql as $$
declare
  v_input bigint := (p->>'input')::bigint;
  v_output bigint := (p->>'output')::bigint;
  v_input_price numeric := coalesce((p->>'input_price')::numeric, 0);
  v_output_price numeric := coalesce((p->>'output_price')::numeric, 0);
  v_scope record;
  v_spent record;
  v_left numeric;
begin
  for v_scope in
    select * from jsonb_to_recordset(p->'scopes') as s(source text, subject uuid,
      tasks_per_hour bigint, tokens_per_day bigint, micros_per_day bigint)
  loop
    -- 25 hours, of which the oldest is whole: in no 24 hours is more spent. What is spent and what is
    -- reserved are one statement's sums: a call that is settled in between would be in neither.
    if v_scope.subject is not null then
      select u.tokens + r.tokens as tokens, 0::numeric as micros, 0::bigint as tasks
        into v_spent from (
          select coalesce(sum(tokens), 0) as tokens from subject_usage
          where subject_id = v_scope.subject and hour > its_time - interval '25 hours'
        ) u, (
          select coalesce(sum(tokens), 0) as tokens from budget_reservations
          where subject_id = v_scope.subject
        ) r;
    else
      select u.tokens + r.tokens as tokens, u.micros + r.micros as micros, u.tasks
        into v_spent from (
          select coalesce(sum(tokens), 0) as tokens, coalesce(sum(micros), 0) as micros,
            coalesce(sum(tasks) filter (where hour = date_trunc('hour', its_time)), 0) as tasks
          from agent_usage where hour > its_time - interval '25 hours'
            and (v_scope.source is null or source = v_scope.source)
        ) u, (
          select coalesce(sum(tokens), 0) as tokens, coalesce(sum(micros), 0) as micros
          from budget_reservations where v_scope.source is null or source = v_scope.source
        ) r;
    end if;
    if begins and v_spent.tasks >= v_scope.tasks_per_hour then return null; end if;
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
    delete from budget_reservations where task_id = its_owner
    returning source, subject_id, tokens, micros, reserved_at
  ), of_subject as (
    insert into subject_usage as u (subject_id, hour, tokens)
    select subject_id, date_trunc('hour', reserved_at), tokens from lost
    where subject_id is not null
    on conflict (subject_id, hour) do update set tokens = u.tokens + excluded.tokens
  )
  insert into agent_usage as u (source, hour, tokens, micros)
    select source, date_trunc('hour', reserved_at), tokens, micros from lost
    on conflict (source, hour) do update
    set tokens = u.tokens + excluded.tokens, micros = u.micros + excluded.micros;
  insert into budget_reservations (task_id, id, epoch, source, subject_id, tokens, micros,
      reserved_at)
    values (its_owner, (p->>'id')::uuid, (p->>'epoch')::integer, p->>'source', (p->>'subject')::uuid,
      v_input + v_output, ceil(v_input * v_input_price + v_output * v_output_price), its_time);
  if begins then
    insert into agent_usage as u (source, hour, tasks)
      values (p->>'source', date_trunc('hour', its_time), 1)
      on conflict (source, hour) do update set tasks = u.tasks + 1;
  end if;
  return v_output;
end $$;

-- As in 0024, with `round`: each counts as a task does.
create or replace function reserve_budget(p jsonb) returns bigint language plpgsql as $$
declare
  v_task uuid := (p->>'task')::uuid;
  v_round integer := coalesce((p->>'round')::integer, 0);
  v_output bigint;
  v_begins boolean;
  v_run integer;
begin
  perform from tasks where id = v_task and epoch = (p->>'epoch')::integer and status = 'running'
    for update;
  if not found then return -1; end if;
  perform pg_advisory_xact_lock(1330926671, 24);
  select r.run, r.counted_run < r.run or v_round > 0 and v_round <> r.counted_round
    into v_run, v_begins from agent_runs r where r.task_id = v_task;
  if not found then return -1; end if;
  -- The wait for the lock may have been long, and now() is of before.
  v_output := reserve_in_scopes(p, v_task, v_begins, clock_timestamp());
  if v_begins and v_output is not null then
    update agent_runs set counted_run = v_run, counted_round = v_round where task_id = v_task;
  end if;
  return v_output;
end $$;

-- What the gate refused, by the minute for the last hours, and of all time under '-infinity'. Sources
-- and reasons are names of ours, so the rows are few.
create table refusal_counts (
  minute timestamptz not null,
  source text not null,
  code   text not null,
  count  bigint not null,
  primary key (minute, source, code)
);

insert into refusal_counts (minute, source, code, count)
select '-infinity', source, code, count from source_refusals;

-- The latest of them, for whoever looks for a wrong secret; no more than a person reads.
create table recent_refusals (
  id           bigint generated always as identity primary key,
  webhook_type text not null,
  status       int not null,
  code         text not null,
  message      text not null,
  refused_at   timestamptz not null
);

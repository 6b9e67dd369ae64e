-- What the gate has refused, by source: the last one, and how many. Nothing of the message is kept.
create table source_refusals (
  source     text primary key,
  code       text not null,
  message    text not null,
  hint       text not null,
  count      bigint not null,
  refused_at timestamptz not null
);

-- An act on many things: which ones is fixed, by id, when it is confirmed; whoever works does it in
-- batches.
create table bulk_actions (
  id          uuid primary key,
  action      text not null,
  filter      jsonb not null, -- as it was asked for, to be read by people
  actor       text not null,
  state       text not null,  -- preparing, ready, working, cancelling, cancelled, done
  total       int not null default 0,
  done        int not null default 0,
  failed      int not null default 0,
  parts       jsonb not null default '[]', -- how many of each source
  errors      jsonb not null default '[]', -- the first reasons, with how many and some of the ids
  worked_to   uuid,           -- all rows up to this one are settled
  epoch       int not null default 0,
  lease_until timestamptz,
  created_at  timestamptz not null default now(),
  started_at  timestamptz,
  finished_at timestamptz
);

create index bulk_actions_open on bulk_actions (lease_until) where finished_at is null;

-- What is left to do, in the order of ids. No reference: to remove an action must not remove a
-- million of these in one statement.
create table bulk_rows (
  bulk_id uuid not null,
  row_id  uuid not null,
  begun   boolean not null default false,
  made    uuid, -- the id that its replay gets, so that a second try makes no second one
  primary key (bulk_id, row_id)
);

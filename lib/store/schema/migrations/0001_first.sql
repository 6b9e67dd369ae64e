-- Settings that all replicas share, such as the hash of a generated admin token.
create table settings (
  name  text primary key,
  value text not null
);

-- Signed-in browsers. The hash is over the admin token's hash and the cookie.
create table sessions (
  hash       bytea primary key,
  expires_at timestamptz not null
);

create table users (
  id         uuid primary key,
  email      text not null unique,
  name       text not null,
  slack_id   text,
  kind       text not null check (kind in ('system', 'person')),
  created_at timestamptz not null default now()
);

-- One received webhook, kept byte for byte. A row in state 'new' is the queue entry.
-- A body is text when it is clean UTF-8 (half the bytes on the wire to Postgres), else bytea.
create table messages (
  id            uuid primary key,
  webhook_type  text not null,
  source        text not null,
  delivery_key  bytea, -- SHA-256 of the delivery id; null for replays and rejected requests
  verification  text not null check (verification in ('verified', 'unverified', 'rejected')),
  envelope      text not null, -- JSON: url, client_ip, delivery_id, headers as they came
  body          text,
  body_bytes    bytea,
  size          integer not null,
  received_at   timestamptz not null,
  stored_at     timestamptz not null default now(),
  state         text not null default 'new'
                check (state in ('new', 'processed', 'filtered', 'failed', 'rejected')),
  reason        text,
  error         text,
  repeats       integer not null default 0,
  attempts      integer not null default 0,
  epoch         integer not null default 0,
  worker        text,
  lease_until   timestamptz,
  claimed_at    timestamptz,
  settled_at    timestamptz,
  event         text,
  title         text,
  task_id       uuid,
  replay_of     uuid
);
-- Compressing a body by pglz costs more than writing it, by lz4 less: see bench/README.md.
do $$ begin
  alter table messages alter column body set compression lz4;
  alter table messages alter column body_bytes set compression lz4;
exception when others then -- PostgreSQL 13, or built without lz4, as PGlite is
  alter table messages alter column body set storage external;
  alter table messages alter column body_bytes set storage external;
end $$;
create unique index messages_delivery on messages (source, delivery_key);
create index messages_waiting on messages (id) where state = 'new';
-- On their last try: see MOST_ATTEMPTS in lib/message_turn.ts.
create index messages_suspect on messages (id) where state = 'new' and attempts = 2;
create index messages_failed on messages (id) where state = 'failed';
-- For the statistics: counting must not read the rows.
create index messages_counts on messages (state, webhook_type) include (repeats);
create index messages_settled on messages (settled_at) where settled_at is not null;

-- A message that took the spill while a repeat of it won the inbox keeps its id as an alias.
create table message_aliases (
  alias      uuid primary key,
  message_id uuid not null references messages on delete cascade
);
create index message_aliases_message on message_aliases (message_id);

create table tasks (
  id            uuid primary key,
  message_id    uuid not null unique references messages on delete cascade,
  source        text not null,
  title         text not null,
  description   text not null,
  status        text not null default 'pending'
                check (status in ('pending', 'running', 'waiting_input', 'completed', 'failed', 'cancelled')),
  assigned_to   uuid not null references users,
  result_text   text,
  result_data   jsonb,
  error_code    text,
  error_message text,
  question      text,
  attempts      integer not null default 0,
  epoch         integer not null default 0,
  worker        text,
  lease_until   timestamptz,
  created_at    timestamptz not null default now(),
  started_at    timestamptz,
  finished_at   timestamptz
);
create index tasks_waiting on tasks (id) where status in ('pending', 'running');
create index tasks_failed on tasks (id) where status = 'failed';
create index tasks_finished on tasks (finished_at) where finished_at is not null;

create table task_events (
  id      uuid primary key,
  task_id uuid not null references tasks on delete cascade,
  at      timestamptz not null default now(),
  kind    text not null,
  actor   text not null,
  data    jsonb not null default '{}'
);
create index task_events_task on task_events (task_id, id);

-- The outbox: one telling of one outcome to one destination.
create table notifications (
  id          uuid primary key,
  cause       text not null, -- 'task_event:<id>' or 'message:<id>:<epoch>'
  task_id     uuid references tasks on delete cascade,
  message_id  uuid references messages on delete cascade,
  channel     text not null,
  destination text not null,
  kind        text not null,
  text        text not null,
  state       text not null default 'pending' check (state in ('pending', 'sent', 'dead')),
  attempts    integer not null default 0,
  error       text,
  worker      text,
  lease_until timestamptz, -- also the time of the next try
  created_at  timestamptz not null default now(),
  sent_at     timestamptz,
  read_at     timestamptz,
  unique (cause, channel, destination)
);
create index notifications_task on notifications (task_id);
create index notifications_message on notifications (message_id);
create index notifications_waiting on notifications (id) where state = 'pending';
create index notifications_dead on notifications (id) where state = 'dead';
create index notifications_unread on notifications (id) where channel = 'web' and read_at is null;

-- What the live stream tells. A reader goes by (xid, seq) and only below the oldest
-- running transaction: rows commit out of order, and seq alone would skip some.
create table changes (
  seq  bigint generated always as identity primary key,
  xid  xid8 not null default pg_current_xact_id(),
  at   timestamptz not null default now(),
  kind text not null check (kind in ('message', 'task', 'notification')),
  ids  uuid[] not null
);
create index changes_order on changes (xid, seq);

create table workers (
  id         text primary key,
  host       text not null,
  roles      text[] not null,
  doing      text not null,
  processed  bigint not null default 0,
  started_at timestamptz not null default now(),
  last_seen  timestamptz not null default now()
);

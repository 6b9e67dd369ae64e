-- What tells one signed request from another where its delivery id is not signed: whoever has
-- captured one can show it again under another id, but only as it is.
create table message_captures (
  source     text not null,
  key        bytea not null, -- SHA-256 of what cannot be changed
  message_id uuid not null references messages on delete cascade,
  primary key (source, key)
);
create index message_captures_message on message_captures (message_id);

-- Messages that come close together and are about the same become one task. A burst is open
-- until it is due; then it is closed, in a transaction of its own, so that whoever settles
-- it sees all that joined. A message that waits in one is new, and leased until infinity.
create table bursts (
  id           uuid primary key,
  key          bytea not null, -- SHA-256 of source, type, trust and the operator's key
  slack_place  text,
  slack_thread text,
  messages     integer not null,
  due_at       timestamptz not null,
  closed       boolean not null default false
);
create unique index bursts_open on bursts (key) where not closed;
create index bursts_due on bursts (due_at);

-- They stay after their burst is settled: their task is about all of them.
create table burst_messages (
  message_id  uuid primary key references messages on delete cascade,
  burst_id    uuid not null,
  title       text not null,
  description text not null
);
create index burst_messages_burst on burst_messages (burst_id, message_id);

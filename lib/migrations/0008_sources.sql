-- What tells one signed request from another where the vendor signs no time: whoever has
-- captured one can show it again under another delivery id, but only as it is.
create table message_captures (
  source     text not null,
  key        bytea not null, -- SHA-256 of what cannot be changed
  message_id uuid not null references messages on delete cascade,
  primary key (source, key)
);
create index message_captures_message on message_captures (message_id);

-- Messages that come close together and are about the same become one task. A burst is open
-- until it is due; then it is closed, in a transaction of its own, so that whoever settles
-- it sees all that joined.
create table bursts (
  id           uuid primary key,
  key          bytea not null, -- SHA-256 of source, type, trust and the operator's key
  event        text,
  title        text not null,  -- of the message that opened it
  description  text not null,
  slack_place  text,
  slack_thread text,
  messages     integer not null,
  due_at       timestamptz not null,
  closed       boolean not null default false
);
create unique index bursts_open on bursts (key) where not closed;
create index bursts_due on bursts (due_at);
alter table messages add column burst_id uuid;
create index messages_burst on messages (burst_id) where burst_id is not null and state = 'new';

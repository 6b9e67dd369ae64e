-- What became of a message beside what its own row says: why it was refused before somebody let it
-- in, and when its sender sent it again. Rows are rare, and only inserted.
create table message_history (
  message_id uuid not null references messages on delete cascade,
  at         timestamptz not null default now(),
  kind       text not null check (kind in ('refused', 'released', 'repeated')),
  actor      text, -- who released it
  times      integer not null default 1,
  reason     text
);
create index message_history_message on message_history (message_id, at);

-- An answer where a message came from: a row of the outbox whose channel is 'reply', and what is
-- sent to whom. The release before knows of no such channel, and gives such rows up with those words.
create table replies (
  notification_id uuid primary key references notifications on delete cascade,
  source          text not null,
  place           text not null,  -- as people read it, such as octo/phone#7
  call            jsonb not null, -- path, body and account: see ReplyCall in sources/reply.ts
  approved_by     text,           -- by whose word, where a person was asked
  begun_at        timestamptz,    -- when it was last sent; its answer may never have come
  sent_id         text,           -- the vendor's id of what was sent
  request_id      text,           -- the vendor's id of the call
  status          int             -- the last answer's HTTP status
);
-- What we sent comes back, under its id or before we know that.
create index replies_sent on replies (source, sent_id) where sent_id is not null;
create index replies_unsure on replies (source, place) where sent_id is null and begun_at is not null;

-- When each source was answered within the last hour, and where: one row, so that its lock counts.
create table reply_rates (
  source text primary key,
  times  timestamptz[] not null,
  places text[] not null
);

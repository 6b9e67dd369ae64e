-- What a message said whose contents were dropped by their age, as short as it can be: a repeat of it
-- is told from another content under its id. Rows are only inserted and deleted.
create table message_digests (
  message_id uuid primary key,
  body       bytea not null, -- SHA-256
  content    text -- as in the envelope, where the sender's retries have other bytes
);

create or replace function forget_contents() returns trigger language plpgsql as $$
begin
  delete from message_contents where message_id in (select id from old_rows);
  delete from message_digests where message_id in (select id from old_rows);
  return null;
end $$;

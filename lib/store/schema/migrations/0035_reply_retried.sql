-- When a person last gave a reply another round of tries: they know how old it is, and have looked
-- whether it was sent.
alter table replies add column retried_at timestamptz;

-- An answer in a review's thread on GitHub is a review, too, and comes back as both: the id of what
-- was made beside a reply.
alter table replies add column beside_id text;
create index replies_beside on replies (source, beside_id) where beside_id is not null;

-- Who alone may read what a message says, where those are fewer than all who read the place that it
-- is about: a name, the same for the same people (`audience` in sources/source.ts).
alter table messages add column audience text;

-- A short name for the operator's rules that a worker has read, to tell that another has others.
alter table workers add column rules text;

-- What a run was last worked with, to be compared with trials; null where nobody knows: the release
-- before does not write it down.
alter table agent_runs add column instruction text;
alter table trials add column had_instruction text;

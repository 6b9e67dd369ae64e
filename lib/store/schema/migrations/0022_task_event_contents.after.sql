-- in batches
-- What messages said went with their contents, and an agent's run remembered it.
update agent_runs set state = null where task_id in (
  select r.task_id from agent_runs r join tasks t on t.id = r.task_id
  where r.state is not null and t.status in ('completed', 'cancelled')
    and exists (select from message_digests d where d.message_id = t.message_id)
  order by r.task_id limit 1000 for no key update of r);

-- in batches
update agent_calls set result = null where (task_id, key) in (
  select c.task_id, c.key from agent_calls c join tasks t on t.id = c.task_id
  where c.result is not null and t.status in ('completed', 'cancelled')
    and exists (select from message_digests d where d.message_id = t.message_id)
  order by c.task_id, c.key limit 1000 for no key update of c);

-- Whose tasks are open: counted on the page of people, and listed from there.
create index tasks_open on tasks (assigned_to, id)
  where status in ('pending', 'running', 'waiting_input');

-- As in 0004: what Slack shows of a task is old, too, once a message has come for it or has left it.
drop trigger tasks_slack on tasks;
create trigger tasks_slack after update of status, assigned_to, title, question, messages on tasks
  for each row
  when ((old.status, old.assigned_to, old.title, old.question, old.messages)
    is distinct from (new.status, new.assigned_to, new.title, new.question, new.messages))
  execute function slack_message_is_old();

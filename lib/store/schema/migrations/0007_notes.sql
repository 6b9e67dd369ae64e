-- A note in Slack may have been posted although no answer came: it is looked for before it is repeated.
alter table notifications add column unsure integer not null default 0; -- posts whose answer never came
update notifications set unsure = 1 where channel = 'slack' and state = 'pending' and attempts > 0;

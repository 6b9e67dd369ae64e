-- What has come unverified from each client prefix and type, day by day (UTC): so that replicas and
-- restarts share a day's bucket, and tell senders of earlier days from newcomers.
create table unverified_days (
  day      date not null,
  prefix   text not null,
  type     text not null,
  messages bigint not null,
  bytes    bigint not null,
  primary key (day, prefix, type)
);

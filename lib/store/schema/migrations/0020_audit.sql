-- What people did: who, when, what, from where. A row is made before its act is tried and completed
-- after it, so that no act is without one; it keeps names as they were then.
create table audit (
  id        uuid primary key,
  at        timestamptz not null default now(),
  who       text not null,
  user_id   uuid, -- the person; no reference, for what is told outlives everything
  proof     text not null, -- how they showed who they are
  channel   text not null check (channel in ('page', 'api', 'slack', 'command')),
  client_ip text,
  act       text not null,
  thing     text not null,
  ids       text[] not null default '{}', -- of the things that it was about
  detail    jsonb not null default '{}',
  route     text,
  outcome   text not null default 'unknown' check (outcome in ('done', 'refused', 'failed', 'unknown')),
  status    int
);
create index audit_at on audit (at);
create index audit_user on audit (user_id, id);
create index audit_act on audit (act, id);
create index audit_ids on audit using gin (ids);

-- What a person shows to sign in, or to call the API: of the secret there is only its hash.
create table person_tokens (
  id           uuid primary key,
  user_id      uuid not null references users,
  name         text not null,
  handle       text not null unique, -- stands in the token itself, so that it is found
  hash         bytea not null, -- SHA-256 of the whole token
  role         text not null check (role in ('admin', 'reader')),
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  last_used_at timestamptz -- to a few minutes
);
create index person_tokens_user on person_tokens (user_id, id);

-- A session that was opened with such a token ends with it.
alter table sessions add column token_id uuid references person_tokens on delete cascade;
create index sessions_token on sessions (token_id) where token_id is not null;

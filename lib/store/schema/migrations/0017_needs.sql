-- In which ten minutes a source has sent something, and how much: what silence is told by. A type
-- that is no source of ours stands under its own name.
create table source_slots (
  source   text not null,
  slot     timestamptz not null,
  messages integer not null,
  primary key (source, slot)
);

-- Whom Otto has heard within the last weeks; no more than 500 that a sender could have invented.
create table heard_sources (
  source           text primary key,
  first_at         timestamptz not null,
  last_at          timestamptz not null,
  tell_after_hours real, -- as a person has set it on the source's page
  silence_id       uuid, -- the alarm that stands for it
  silent_since     timestamptz, -- its last message when that was raised
  alarmed_at       timestamptz,
  invented         boolean not null default false -- a name that is no source of ours
);

create table silences (
  id       uuid primary key,
  kind     text not null check (kind in ('sources', 'everything', 'holiday')),
  since    timestamptz not null,
  because  text not null,
  began_at timestamptz not null default now(),
  ended_at timestamptz,
  ended_by json -- the last sources of it, and whether they sent again or were paused
);
create index silences_standing on silences (id) where ended_at is null;

-- Times that say nothing of a source, or of any ('') : Otto was down, it was paused, it was silent.
create table unheard_times (
  source text not null,
  began  timestamptz not null,
  ended  timestamptz not null,
  reason text not null,
  primary key (source, began)
);

-- What needs somebody, by its reason: until when somebody has seen it, and what of it was told
-- beyond the page.
create table need_groups (
  key        text primary key, -- kind:source:hash of the reason
  kind       text not null,
  source     text not null,
  seen_to    timestamptz,
  seen_by    text,
  tellings   integer not null default 0,
  told_count integer, -- how many there were when they were told last; null when that is over
  told_at    timestamptz,
  began_at   timestamptz, -- when it was told first; that it grew, or is over, is no beginning
  is_quiet   boolean not null default false, -- it was told that nothing new came
  words      text,
  updated_at timestamptz not null default now()
);

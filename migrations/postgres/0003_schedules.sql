-- Schedules. The jobs they make are jobs like others: nothing on a job's way knows of these tables.

create table schedules (
  id         bigint generated always as identity primary key,
  namespace  text collate "C" not null,
  name       text collate "C" not null,
  spec       bytea not null,                               -- model::schedule::ScheduleSpec as JSON
  payload    bytea not null,
  seq        bigint not null default 1,                    -- raised by every change: who changes says what it looked at
  state      text collate "C" not null,
  reason     text,
  next_at    timestamptz,                                  -- the next instant that is not decided yet
  look_at    timestamptz,                                  -- when the leader has to look at it again; null: not at all
  pending    text,                                         -- a JSON list of model::schedule::Pending
  open_jobs  uuid[] not null default '{}',                 -- the latest runs that had not ended
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),           -- when somebody changed what it is
  deleted_at timestamptz                                   -- its history and its jobs stay
) with (fillfactor = 70);
create unique index schedules_name on schedules (namespace, name) where deleted_at is null;
create index schedules_look on schedules (look_at) where look_at is not null;

-- One row for each instant that made a job. The key is what makes that job the only one.
create table schedule_fires (
  schedule_id bigint not null,
  instant     timestamptz not null,
  kind        text collate "C" not null,
  job_id      uuid not null,
  fired_at    timestamptz not null default now(),
  primary key (schedule_id, instant)
);
create index schedule_fires_job on schedule_fires (job_id);

-- Instants that made none, a row for each or for many in a row.
create table schedule_skips (
  id            bigint generated always as identity primary key,
  schedule_id   bigint not null,
  from_instant  timestamptz not null,
  until_instant timestamptz not null,
  count         integer,                                   -- null: more than were counted
  kind          text collate "C" not null,
  reason        text collate "C" not null,
  detail        text,
  skipped_at    timestamptz not null default now()
);
create index schedule_skips_schedule on schedule_skips (schedule_id, from_instant);

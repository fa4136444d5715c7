-- The twin of migrations/postgres/0003_schedules.sql, table by table. Instants of schedules are milliseconds, as all
-- times are.

create table schedules (
  id         integer primary key autoincrement,
  namespace  text not null,
  name       text not null,
  spec       blob not null,                                -- model::schedule::ScheduleSpec as JSON
  payload    blob not null,
  seq        integer not null default 1,                   -- raised by every change: who changes says what it looked at
  state      text not null,
  reason     text,
  next_at    integer,                                      -- the next instant that is not decided yet
  look_at    integer,                                      -- when the leader has to look at it again; null: not at all
  pending    text,                                         -- a JSON list of model::schedule::Pending
  open_jobs  text not null default '[]',                   -- the latest runs that had not ended: a JSON list of ids as hex
  created_at integer not null,
  updated_at integer not null,                             -- when somebody changed what it is
  deleted_at integer                                       -- its history and its jobs stay
) strict;
create unique index schedules_name on schedules (namespace, name) where deleted_at is null;
create index schedules_look on schedules (look_at) where look_at is not null;

-- One row for each instant that made a job. The key is what makes that job the only one.
create table schedule_fires (
  schedule_id integer not null,
  instant     integer not null,
  kind        text not null,
  job_id      blob not null,
  fired_at    integer not null,
  primary key (schedule_id, instant)
) strict, without rowid;
create index schedule_fires_job on schedule_fires (job_id);

-- Instants that made none, a row for each or for many in a row.
create table schedule_skips (
  id            integer primary key autoincrement,
  schedule_id   integer not null,
  from_instant  integer not null,
  until_instant integer not null,
  count         integer,                                   -- null: more than were counted
  kind          text not null,
  reason        text not null,
  detail        text,
  skipped_at    integer not null
) strict;
create index schedule_skips_schedule on schedule_skips (schedule_id, from_instant);

-- The twin of migrations/postgres/0001_init.sql, table by table. Times are milliseconds since 1970 by
-- SQLite's own clock, ids of jobs are the sixteen bytes of a UUIDv7. Narrow tables that are found by their
-- key alone have no rowid; tables with long values keep it, so that their trees stay shallow.

-- Code by digest: written once, never updated.
create table components (
  sha256     blob not null primary key check (length(sha256) = 32),
  bytes      blob not null,
  created_at integer not null
) strict;

create table tasks (
  id             integer primary key autoincrement,
  namespace      text not null,
  name           text not null,
  active_version integer,                                  -- task_versions.id
  unique (namespace, name)
) strict;

create table task_versions (
  id         integer primary key autoincrement,
  task_id    integer not null references tasks,
  version    integer not null,
  sha256     blob not null references components,
  size_bytes integer not null,
  manifest   blob not null,                                -- model::task::Manifest as JSON
  created_at integer not null,
  unique (task_id, version)
) strict;

create table queues (
  id        integer primary key autoincrement,
  namespace text not null,
  name      text not null,
  paused    integer not null default 0,
  unique (namespace, name)
) strict;

-- One immutable row a job. The id is a UUIDv7 made by the caller: rows arrive in order of time.
create table jobs (
  id              blob not null primary key check (length(id) = 16),
  task_version_id integer not null,
  queue_id        integer not null,
  priority        integer not null,
  max_attempts    integer not null,
  timeout_ms      integer,
  key             text,
  tags            text,                                    -- a JSON object of texts
  parent          blob,
  payload         blob not null,
  run_at          integer not null,
  created_at      integer not null
) strict;
-- For listings that begin at an instant: the smallest id since then, without a walk through all that is older.
create index jobs_created on jobs (created_at, id);

-- Idempotency keys in use; a row outlives its job when it says so.
create table job_keys (
  namespace  text not null,
  task_id    integer not null,
  key        text not null,
  job_id     blob not null,
  content    blob not null,                                -- sha256 of what makes two submits the same
  expires_at integer,
  primary key (namespace, task_id, key)
) strict, without rowid;

-- A row exists only while its job is unfinished. (attempt, session) is the fencing token.
create table job_queue (
  job_id           blob not null primary key,
  queue_id         integer not null,
  priority         integer not null,
  attempt          integer not null default 0,
  failures         integer not null default 0,
  losses           integer not null default 0,
  cancel_requested integer not null default 0,
  session          integer,                                -- null: claimable
  run_at           integer not null,
  claimed_at       integer,
  expires_at       integer
) strict, without rowid;
create index job_queue_due on job_queue (queue_id, priority, run_at);
create index job_queue_expires on job_queue (expires_at) where expires_at is not null;
-- Postgres keeps none on this column, for the sake of its heap-only updates; here it costs little and finds
-- the jobs of a session without a walk through the backlog.
create index job_queue_running on job_queue (session) where session is not null;

-- History: appended once, when an attempt ends.
create table attempts (
  job_id            blob not null,
  number            integer not null,
  session           integer not null,
  started_at        integer not null,
  finished_at       integer not null,
  outcome           text not null,
  final             integer not null,                      -- whether the job ended with it
  result            blob,
  error_kind        text,
  error_message     text,
  stop_reason       text,
  stop_latency_us   integer,
  fuel              integer,
  peak_memory_bytes integer,
  wall_us           integer,
  host_call_us      integer,
  primary key (job_id, number)
) strict;
-- For listing what failed, which is rare among what succeeded.
create index attempts_failed on attempts (job_id) where final and outcome <> 'succeeded';

-- Jobs that ended otherwise than as an attempt reported it: cancelled or expired while they waited, or taken
-- back from a lost host and not given to another. Such a row outranks the attempts.
create table job_ends (
  job_id        blob not null primary key,
  state         text not null,
  error_kind    text,
  error_message text,
  finished_at   integer not null
) strict, without rowid;

-- One lease for each host process. An id is never used again.
create table host_sessions (
  id          integer primary key autoincrement,
  name        text not null,
  address     text not null,
  version     text not null,
  slots       integer not null,
  draining    integer not null default 0,
  started_at  integer not null,
  lease_until integer not null,
  closed_at   integer
) strict;
create index host_sessions_open on host_sessions (id) where closed_at is null;

create table leader (
  name       text not null primary key,
  term       integer not null,
  holder     text not null,
  address    text not null,
  since      integer not null,
  expires_at integer not null
) strict, without rowid;

create table schedulers (
  id      text not null primary key,
  address text not null,
  seen_at integer not null
) strict, without rowid;

-- Logs: a row for each flushed chunk, not for each line.
create table job_logs (
  position integer primary key autoincrement,
  job_id   blob not null,
  attempt  integer not null,
  lines    blob not null                                   -- a JSON list of model::job::LogLine
) strict;
create index job_logs_job on job_logs (job_id, position);

create table job_progress (
  job_id  blob not null primary key,
  percent integer not null,
  message text not null
) strict, without rowid;

create table job_checkpoints (
  job_id blob not null primary key,
  data   blob not null
) strict;

create table job_files (
  job_id     blob not null,
  attempt    integer not null,
  name       text not null,
  media_type text not null,
  bytes      blob not null,
  primary key (job_id, attempt, name)
) strict;

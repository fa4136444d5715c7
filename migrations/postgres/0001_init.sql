-- The tables a job's way needs. Hot rows (job_queue, host_sessions, leader) are narrow and few; what is
-- written once (components, task_versions, jobs, attempts) stands apart. No foreign key leads from a hot
-- row, no index stands on a column that a claim writes: so claims stay heap-only updates.

-- Code by digest: written once, never updated.
create table components (
  sha256     bytea primary key check (octet_length(sha256) = 32),
  bytes      bytea not null,
  created_at timestamptz not null default now()
);
alter table components alter bytes set storage external;  -- fetched whole; it does not compress well

create table tasks (
  id             bigint generated always as identity primary key,
  namespace      text collate "C" not null,
  name           text collate "C" not null,
  active_version bigint,                                   -- task_versions.id
  unique (namespace, name)
);

create table task_versions (
  id         bigint generated always as identity primary key,
  task_id    bigint not null references tasks,
  version    integer not null,
  sha256     bytea not null references components,
  size_bytes bigint not null,
  manifest   bytea not null,                               -- model::task::Manifest as JSON
  created_at timestamptz not null default now(),
  unique (task_id, version)
);

create table queues (
  id        integer generated always as identity primary key,
  namespace text collate "C" not null,
  name      text collate "C" not null,
  paused    boolean not null default false,
  unique (namespace, name)
);

-- One immutable row a job. The id is a UUIDv7 made by the caller: rows arrive in order of time.
create table jobs (
  id              uuid primary key,
  task_version_id bigint not null,
  queue_id        integer not null,
  priority        smallint not null,
  max_attempts    integer not null,
  timeout_ms      bigint,
  key             text,
  tags            jsonb,
  parent          uuid,
  payload         bytea not null,
  run_at          timestamptz not null,
  created_at      timestamptz not null default now()
);

-- Idempotency keys in use; a row outlives its job when it says so.
create table job_keys (
  namespace  text collate "C" not null,
  task_id    bigint not null,
  key        text collate "C" not null,
  job_id     uuid not null,
  content    bytea not null,                               -- sha256 of what makes two submits the same
  expires_at timestamptz,
  primary key (namespace, task_id, key)
);

-- A row exists only while its job is unfinished. (attempt, session) is the fencing token. A claimed row is a
-- little longer than a free one; this fillfactor leaves a page room for all of its rows being claimed at once.
create table job_queue (
  job_id           uuid primary key,
  queue_id         integer not null,
  priority         smallint not null,
  attempt          integer not null default 0,
  failures         integer not null default 0,
  losses           integer not null default 0,
  cancel_requested boolean not null default false,
  session          bigint,                                 -- null: claimable. Never indexed
  run_at           timestamptz not null,
  claimed_at       timestamptz,
  expires_at       timestamptz
) with (fillfactor = 44, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0);
create index job_queue_due on job_queue (queue_id, priority, run_at);
create index job_queue_expires on job_queue (expires_at) where expires_at is not null;
-- Few, so that each sign of life finds its own without a walk through the backlog.
create index job_queue_cancels on job_queue (job_id) where cancel_requested;

-- History: appended once, when an attempt ends.
create table attempts (
  job_id            uuid not null,
  number            integer not null,
  session           bigint not null,
  started_at        timestamptz not null,
  finished_at       timestamptz not null default now(),
  outcome           text collate "C" not null,
  final             boolean not null,                      -- whether the job ended with it
  result            bytea,
  error_kind        text collate "C",
  error_message     text,
  stop_reason       text collate "C",
  stop_latency_us   bigint,
  fuel              bigint,
  peak_memory_bytes bigint,
  wall_us           bigint,
  host_call_us      bigint,
  primary key (job_id, number)
);
-- For listing what failed, which is rare among what succeeded.
create index attempts_failed on attempts (job_id) where final and outcome <> 'succeeded';

-- Jobs that ended otherwise than as an attempt reported it: cancelled or expired while they waited, or taken
-- back from a lost host and not given to another. Such a row outranks the attempts.
create table job_ends (
  job_id        uuid primary key,
  state         text collate "C" not null,
  error_kind    text collate "C",
  error_message text,
  finished_at   timestamptz not null default now()
);

-- One lease for each host process. An id is never used again.
create table host_sessions (
  id          bigint generated always as identity primary key,
  name        text not null,
  address     text not null,
  version     text not null,
  slots       integer not null,
  draining    boolean not null default false,
  started_at  timestamptz not null default now(),
  lease_until timestamptz not null,
  closed_at   timestamptz,
  emptied     boolean not null default false               -- closed, and it holds no job any more
) with (fillfactor = 50);
create index host_sessions_open on host_sessions (id) where closed_at is null;
-- Closed ones that may still hold jobs: looked for at each rescue, so that the queue is walked only then.
create index host_sessions_full on host_sessions (id) where closed_at is not null and not emptied;

create table leader (
  name       text primary key,
  term       bigint not null,
  holder     text not null,
  address    text not null,
  since      timestamptz not null,
  expires_at timestamptz not null
) with (fillfactor = 50);

create table schedulers (
  id      text primary key,
  address text not null,
  seen_at timestamptz not null
) with (fillfactor = 50);

-- Logs: a row for each flushed chunk, not for each line.
create table job_logs (
  position bigint generated always as identity primary key,
  job_id   uuid not null,
  attempt  integer not null,
  lines    bytea not null                                  -- a JSON list of model::job::LogLine
);
create index job_logs_job on job_logs (job_id, position);

create table job_progress (
  job_id     uuid primary key,
  percent    smallint not null,
  message    text not null
) with (fillfactor = 50);

create table job_checkpoints (
  job_id uuid primary key,
  data   bytea not null
);

create table job_files (
  job_id     uuid not null,
  attempt    integer not null,
  name       text collate "C" not null,
  media_type text not null,
  bytes      bytea not null,
  primary key (job_id, attempt, name)
);
alter table job_files alter bytes set storage external;

-- Ends a statement, and with it all that it did, when SQL finds what only SQL can see in time.
create function refuse(why text) returns boolean language plpgsql as $$
begin
  raise exception using errcode = 'JC001', message = why;
end $$;

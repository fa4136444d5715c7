-- The twin of migrations/postgres/0002_limits.sql, table by table. No table is written anew, and what older releases
-- stored stays as it is.

-- The limits that a job set lower than its version's, but for the timeout, which has a column of its own:
-- model::limits::LimitOverrides as JSON.
alter table jobs add column limits text;

-- Null where an older release recorded the end, and where nobody reported it.
alter table attempts add column host_calls integer;
alter table attempts add column bytes_in integer;
alter table attempts add column bytes_out integer;
alter table attempts add column code text;                 -- where its compiled code came from
alter table attempts add column load_us integer;           -- how long it took to have it

-- When a running attempt that is to be cancelled may go on no longer. Null: at once, or nobody asked.
alter table job_queue add column cancel_at integer;

-- Limits that a job lowers, all that an attempt used, and the grace of a cancel. Each column is added without a
-- default, so no table is written anew, and what older releases stored stays as it is.

-- The limits that a job set lower than its version's, but for the timeout, which has a column of its own:
-- model::limits::LimitOverrides as JSON.
alter table jobs add column limits text;

-- Null where an older release recorded the end, and where nobody reported it.
alter table attempts
  add column host_calls bigint,
  add column bytes_in   bigint,
  add column bytes_out  bigint,
  add column code       text collate "C",                  -- where its compiled code came from
  add column load_us    bigint;                            -- how long it took to have it

-- When a running attempt that is to be cancelled may go on no longer. Null: at once, or nobody asked. The bits that
-- tell a row's nulls are whole bytes and had room for one more, so free and claimed rows are as long as before, and
-- the fillfactor holds. Never indexed.
alter table job_queue add column cancel_at timestamptz;

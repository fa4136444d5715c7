-- The fence, the history and the next state of a batch, each attempt for itself. What is not held any more is
-- not answered.
with ended as (
  select * from unnest(
    $1::uuid[], $2::integer[], $3::bigint[], $4::text[], $5::boolean[], $6::bigint[], $7::bytea[], $8::text[],
    $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[],
    $17::bigint[], $18::bigint[], $19::text[], $20::bigint[])
  with ordinality as e (
    job_id, attempt, session, outcome, final, wait_us, result, error_kind, error_message, stop_reason,
    stop_latency_us, fuel, peak_memory_bytes, wall_us, host_call_us, host_calls, bytes_in, bytes_out, code, load_us,
    place)
),
held as materialized (
  select q.job_id, q.attempt, q.session, q.claimed_at, q.cancel_requested, e.place
  from ended e
  join job_queue q on q.job_id = e.job_id and q.attempt = e.attempt and q.session = e.session
  join host_sessions h on h.id = q.session and h.closed_at is null and h.lease_until > now()
  order by q.job_id
  for update of q
),
-- A job that is to be cancelled does not run again.
judged as materialized (
  select h.job_id, h.attempt, h.session, h.claimed_at, h.place, e.final or h.cancel_requested as final,
         case when h.cancel_requested and not e.final then 'cancelled' else e.outcome end as outcome, e.wait_us,
         e.result, e.error_kind, e.error_message, e.stop_reason, e.stop_latency_us, e.fuel,
         e.peak_memory_bytes, e.wall_us, e.host_call_us, e.host_calls, e.bytes_in, e.bytes_out, e.code, e.load_us
  from held h
  join ended e on e.place = h.place
),
history as (
  insert into attempts (job_id, number, session, started_at, outcome, final, result, error_kind, error_message,
                        stop_reason, stop_latency_us, fuel, peak_memory_bytes, wall_us, host_call_us, host_calls,
                        bytes_in, bytes_out, code, load_us)
  select job_id, attempt, session, claimed_at, outcome, final, result, error_kind, error_message, stop_reason,
         stop_latency_us, fuel, peak_memory_bytes, wall_us, host_call_us, host_calls, bytes_in, bytes_out, code,
         load_us
  from judged
),
done as (
  delete from job_queue q using judged j where q.job_id = j.job_id and j.final
),
again as (
  update job_queue q
  set session = null, claimed_at = null, cancel_requested = false, cancel_at = null,
      run_at = now() + j.wait_us * interval '1 microsecond',
      failures = q.failures + case when j.outcome = 'failed' then 1 else 0 end
  from judged j
  where q.job_id = j.job_id and not j.final
),
checkpoints as (
  delete from job_checkpoints c using judged j where c.job_id = j.job_id and j.outcome = 'succeeded'
),
logs as (
  insert into job_logs (job_id, attempt, lines)
  select j.job_id, j.attempt, l.lines
  from unnest($21::bigint[], $22::bytea[]) with ordinality as l (place, lines, number)
  join judged j on j.place = l.place
  order by l.number
),
files as (
  insert into job_files (job_id, attempt, name, media_type, bytes)
  select j.job_id, j.attempt, f.name, f.media_type, f.bytes
  from unnest($23::bigint[], $24::text[], $25::text[], $26::bytea[]) as f (place, name, media_type, bytes)
  join judged j on j.place = f.place
)
select place as "place!", final as "is_final!" from judged

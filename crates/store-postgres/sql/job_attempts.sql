select a.number::bigint as "number!", a.session as "session!", coalesce(h.name, '') as "host!",
       a.outcome as "outcome?", a.started_at as "started_at!", a.finished_at as "finished_at?",
       a.error_kind as "error_kind?", a.error_message as "error_message?", a.stop_reason as "stop_reason?",
       a.stop_latency_us as "stop_latency_us?", a.fuel as "fuel?", a.peak_memory_bytes as "peak_memory_bytes?",
       a.wall_us as "wall_us?", a.host_call_us as "host_call_us?", a.host_calls as "host_calls?",
       a.bytes_in as "bytes_in?", a.bytes_out as "bytes_out?", a.code as "code?", a.load_us as "load_us?"
from (
  select number, session, outcome, started_at, finished_at, error_kind, error_message, stop_reason,
         stop_latency_us, fuel, peak_memory_bytes, wall_us, host_call_us, host_calls, bytes_in, bytes_out, code,
         load_us
  from attempts
  where job_id = $1
  union all
  select attempt, session, null, claimed_at, null, null, null, null, null, null, null, null, null, null, null, null,
         null, null
  from job_queue
  where job_id = $1 and session is not null
) a
left join host_sessions h on h.id = a.session
order by a.number

insert into attempts (job_id, number, session, started_at, finished_at, outcome, final, result, error_kind,
                      error_message, stop_reason, stop_latency_us, fuel, peak_memory_bytes, wall_us, host_call_us,
                      host_calls, bytes_in, bytes_out, code, load_us)
select q.job_id, q.attempt, q.session, q.claimed_at, ?2, e.value ->> 'outcome', e.value ->> 'final',
       substr(?3, e.value ->> 'from', e.value ->> 'bytes'), e.value ->> 'error_kind', e.value ->> 'error_message',
       e.value ->> 'stop_reason', e.value ->> 'stop_latency_us', e.value ->> 'fuel',
       e.value ->> 'peak_memory_bytes', e.value ->> 'wall_us', e.value ->> 'host_call_us',
       e.value ->> 'host_calls', e.value ->> 'bytes_in', e.value ->> 'bytes_out', e.value ->> 'code',
       e.value ->> 'load_us'
from jsonb_each(?1) e
join job_queue q on q.job_id = unhex(e.value ->> 'job')

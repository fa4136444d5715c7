select a.number as "number!: i64", a.session as "session!: i64", coalesce(h.name, '') as "host!: String",
       a.outcome as "outcome?: String", a.started_at as "started_at!: i64", a.finished_at as "finished_at?: i64",
       a.error_kind as "error_kind?: String", a.error_message as "error_message?: String",
       a.stop_reason as "stop_reason?: String", a.stop_latency_us as "stop_latency_us?: i64",
       a.fuel as "fuel?: i64", a.peak_memory_bytes as "peak_memory_bytes?: i64", a.wall_us as "wall_us?: i64",
       a.host_call_us as "host_call_us?: i64", a.host_calls as "host_calls?: i64",
       a.bytes_in as "bytes_in?: i64", a.bytes_out as "bytes_out?: i64", a.code as "code?: String",
       a.load_us as "load_us?: i64"
from attempts a
left join host_sessions h on h.id = a.session
where a.job_id = ?1
union all
select q.attempt, q.session, coalesce(h.name, ''), null, q.claimed_at, null, null, null, null, null, null, null,
       null, null, null, null, null, null, null
from job_queue q
left join host_sessions h on h.id = q.session
where q.job_id = ?1 and q.session is not null
order by 1

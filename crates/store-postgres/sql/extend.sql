-- Losing one with a crash of the server only makes the session look silent, so nobody waits for the disk.
with quick as materialized (
  select set_config('synchronous_commit', 'off', true)
),
alive as (
  update host_sessions h set lease_until = now() + $2::bigint * interval '1 ms'
  from quick
  where h.id = $1 and h.closed_at is null and h.lease_until > now()
  returning h.id, h.draining
)
select a.draining as "draining!", q.job_id as "job?", q.attempt::bigint as "attempt?",
       ceil(extract(epoch from greatest(q.cancel_at - now(), interval '0')) * 1000)::bigint as "grace_ms!"
from alive a
left join job_queue q on q.cancel_requested and q.session = a.id
order by q.job_id

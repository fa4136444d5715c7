-- Who wins is decided here. A session is held against being closed (not against its signs of life) until the
-- claim is committed: so a closed session holds no job that its closing has not seen. What somebody else
-- claims at the same time is passed over.
with quick as materialized (
  select set_config('synchronous_commit', 'off', true)
),
session as materialized (
  select h.id
  from quick, host_sessions h
  where h.id = $1 and h.closed_at is null and h.lease_until > now()
  for key share of h
),
free as materialized (
  select q.job_id, s.id as session
  from session s, job_queue q
  where q.job_id = any($2::uuid[]) and q.session is null and q.run_at <= now()
    and (q.expires_at is null or q.expires_at > now())
  order by q.job_id
  for update of q skip locked
),
won as (
  update job_queue q
  set session = f.session, attempt = q.attempt + 1, claimed_at = now(), expires_at = null
  from free f
  where q.job_id = f.job_id
  returning q.job_id, q.attempt, q.queue_id, q.failures
)
select w.job_id as "job?", w.attempt::bigint as "attempt?", j.task_version_id as "version?",
       n.namespace as "namespace?", n.name as "queue?", j.payload as "payload?",
       w.failures::bigint as "failures?", j.max_attempts::bigint as "max_attempts?", j.timeout_ms as "timeout_ms?",
       j.limits as "limits?", c.data as "checkpoint?"
from session
left join won w on true
left join jobs j on j.id = w.job_id
left join queues n on n.id = w.queue_id
left join job_checkpoints c on c.job_id = w.job_id

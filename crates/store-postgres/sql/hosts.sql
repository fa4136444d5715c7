select h.id, h.name, h.address, h.version, h.slots::bigint as "slots!", h.draining, h.started_at, h.lease_until,
       coalesce(r.running, 0) as "running!"
from host_sessions h
left join (
  select q.session, count(*) as running from job_queue q where q.session is not null group by q.session
) r on r.session = h.id
where h.closed_at is null
order by h.id

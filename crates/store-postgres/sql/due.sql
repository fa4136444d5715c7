select c.now as "now!", d.job_id as "job?", d.namespace as "namespace?", d.name as "queue?",
       d.priority::bigint as "priority?", d.run_at as "run_at?"
from (select now() as now) c
left join (
  select q.job_id, s.namespace, s.name, q.priority, q.run_at
  from queues s
  cross join generate_series(1, 9) as p (number)
  cross join lateral (
    select q.job_id, q.priority, q.run_at
    from job_queue q
    where q.queue_id = s.id and q.priority = p.number::smallint and q.session is null
      and q.run_at >= coalesce($1::timestamptz, '-infinity') and q.run_at <= now()
      and (q.expires_at is null or q.expires_at > now())
    order by q.run_at, q.job_id
    limit $2) q
  where not s.paused) d on true
order by d.priority, d.run_at, d.job_id

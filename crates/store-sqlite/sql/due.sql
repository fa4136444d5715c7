with priorities (number) as (values (1), (2), (3), (4), (5), (6), (7), (8), (9))
select q.job_id as "job!: Uuid", s.namespace as "namespace!: String", s.name as "queue!: String",
       q.priority as "priority!: i64", q.run_at as "run_at!: i64"
from queues s
cross join priorities p
cross join job_queue q
where not s.paused
  and q.job_id in (
    select d.job_id
    from job_queue d
    where d.queue_id = s.id and d.priority = p.number and d.session is null and d.run_at between ?2 and ?1
      and (d.expires_at is null or d.expires_at > ?1)
    order by d.run_at, d.job_id
    limit ?3)
order by q.priority, q.run_at, q.job_id

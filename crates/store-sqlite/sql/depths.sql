with priorities (number) as (values (1), (2), (3), (4), (5), (6), (7), (8), (9))
select s.namespace as "namespace!: String", s.name as "queue!: String", s.paused as "paused!: bool",
       (select count(*) from job_queue q where q.queue_id = s.id) as "unfinished!: i64",
       (
          select count(*) from job_queue q indexed by job_queue_running
          where q.queue_id = s.id and q.session is not null) as "running!: i64",
       (select sum((
          select count(*) from job_queue q
          where q.queue_id = s.id and q.priority = p.number and q.run_at <= ?1))
        from priorities p) as "due!: i64",
       (select min((
          select q.run_at from job_queue q
          where q.queue_id = s.id and q.priority = p.number and q.run_at <= ?1 and q.session is null
          order by q.run_at
          limit 1))
        from priorities p) as "oldest?: i64"
from queues s
order by s.namespace, s.name

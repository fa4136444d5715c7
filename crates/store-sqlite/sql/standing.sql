select j.id as "id!: Uuid", s.namespace as "namespace!: String", s.name as "queue!: String",
       j.priority as "priority!: i64", coalesce(q.run_at, j.run_at) as "run_at!: i64",
       q.attempt as "attempt?: i64", q.session as "session?: i64",
       case
         when q.session is not null then 'running'
         when q.run_at > ?1 then 'scheduled'
         when q.job_id is not null then 'queued'
         when e.job_id is not null then e.state
         when a.outcome in ('succeeded', 'cancelled') then a.outcome
         else 'failed'
       end as "state!: String"
from json_each(?2) w
cross join jobs j on j.id = unhex(w.value)
cross join queues s on s.id = j.queue_id
left join job_queue q on q.job_id = j.id
left join job_ends e on e.job_id = j.id
left join attempts a
  on a.job_id = j.id and a.number = (select max(l.number) from attempts l where l.job_id = j.id)

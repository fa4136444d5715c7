select s.namespace as "namespace!", s.name as "queue!", s.paused as "paused!",
       count(q.job_id) filter (where q.session is null and q.run_at <= now()) as "queued!",
       count(q.job_id) filter (where q.session is not null) as "running!",
       count(q.job_id) filter (where q.session is null and q.run_at > now()) as "scheduled!",
       extract(epoch from now() - min(q.run_at) filter (where q.session is null and q.run_at <= now()))::float8
         as "oldest_queued_seconds?"
from queues s
left join job_queue q on q.queue_id = s.id
group by s.id
order by s.namespace, s.name

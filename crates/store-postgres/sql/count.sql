-- How many are unfinished, by state, when the queue's rows alone tell which.
select u.state as "state!", count(*) as "jobs!"
from (
  select case when q.session is not null then 'running' when q.run_at > now() then 'scheduled' else 'queued' end as state
  from job_queue q
  join queues s on s.id = q.queue_id
  where s.namespace = $1 and ($2::text is null or s.name = $2)
) u
where u.state = any($3::text[])
group by u.state

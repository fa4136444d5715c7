-- The twin of count.sql for filters on what only the jobs themselves tell.
select u.state as "state!", count(*) as "jobs!"
from (
  select case when q.session is not null then 'running' when q.run_at > now() then 'scheduled' else 'queued' end as state
  from job_queue q
  join queues s on s.id = q.queue_id
  join jobs j on j.id = q.job_id
  join task_versions v on v.id = j.task_version_id
  join tasks t on t.id = v.task_id
  where s.namespace = $1 and ($2::text is null or s.name = $2)
    and ($4::text is null or t.name = $4)
    and ($5::timestamptz is null or j.created_at >= $5)
    and ($6::text is null or j.tags @> $6::jsonb)
) u
where u.state = any($3::text[])
group by u.state

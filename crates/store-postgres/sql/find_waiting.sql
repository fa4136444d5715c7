-- Scheduled, queued or running: a walk through what is unfinished. `offset 0` keeps it that.
select q.job_id as "id!"
from job_queue q
cross join lateral (
  select from jobs j
  join queues s on s.id = j.queue_id
  join task_versions v on v.id = j.task_version_id
  join tasks t on t.id = v.task_id
  where j.id = q.job_id and s.namespace = $2
    and ($3::text is null or t.name = $3)
    and ($4::text is null or s.name = $4)
    and ($5::timestamptz is null or j.created_at >= $5)
    and ($6::text is null or j.tags @> $6::jsonb)
  offset 0) fits
where q.job_id < $1
  and case when q.session is not null then 'running' when q.run_at > now() then 'scheduled' else 'queued' end
      = any($8::text[])
order by q.job_id desc
limit $7

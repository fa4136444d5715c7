-- Failed or cancelled otherwise than by an attempt: a walk through their ends. `offset 0` keeps it that.
select e.job_id as "id!"
from job_ends e
cross join lateral (
  select from jobs j
  join queues s on s.id = j.queue_id
  join task_versions v on v.id = j.task_version_id
  join tasks t on t.id = v.task_id
  where j.id = e.job_id and s.namespace = $2
    and ($3::text is null or t.name = $3)
    and ($4::text is null or s.name = $4)
    and ($5::timestamptz is null or j.created_at >= $5)
    and ($6::text is null or j.tags @> $6::jsonb)
  offset 0) fits
where e.job_id < $1 and e.state = any($8::text[])
order by e.job_id desc
limit $7

-- Succeeded: a walk through attempts that did. `offset 0` keeps it that.
select a.job_id as "id!"
from attempts a
cross join lateral (
  select from jobs j
  join queues s on s.id = j.queue_id
  join task_versions v on v.id = j.task_version_id
  join tasks t on t.id = v.task_id
  where j.id = a.job_id and s.namespace = $2
    and ($3::text is null or t.name = $3)
    and ($4::text is null or s.name = $4)
    and ($5::timestamptz is null or j.created_at >= $5)
    and ($6::text is null or j.tags @> $6::jsonb)
  offset 0) fits
where a.job_id < $1 and a.outcome = 'succeeded'
order by a.job_id desc
limit $7

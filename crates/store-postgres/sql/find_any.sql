-- In whatever state: a walk through all jobs, newest first.
select j.id as "id!"
from jobs j
join queues s on s.id = j.queue_id
join task_versions v on v.id = j.task_version_id
join tasks t on t.id = v.task_id
where j.id < $1 and s.namespace = $2
  and ($3::text is null or t.name = $3)
  and ($4::text is null or s.name = $4)
  and ($5::timestamptz is null or j.created_at >= $5)
  and ($6::text is null or j.tags @> $6::jsonb)
order by j.id desc
limit $7

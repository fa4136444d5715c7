-- Failed or cancelled by their last attempt, unless something outranks it: a walk through such attempts.
-- `offset 0` keeps it that.
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
where a.job_id < $1
  and a.final and a.outcome <> 'succeeded'
  and case a.outcome when 'cancelled' then 'cancelled' else 'failed' end = any($8::text[])
  and not exists (select from attempts l where l.job_id = a.job_id and l.number > a.number)
  and not exists (select from job_queue q where q.job_id = a.job_id)
  and not exists (select from job_ends e where e.job_id = a.job_id)
order by a.job_id desc
limit $7

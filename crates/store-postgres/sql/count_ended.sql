-- How many failed or were cancelled, by state: by their last attempt, unless something outranks it, and otherwise than
-- by an attempt.
select u.state as "state!", count(*) as "jobs!"
from (
  select a.job_id, case a.outcome when 'cancelled' then 'cancelled' else 'failed' end as state
  from attempts a
  where a.final and a.outcome <> 'succeeded'
    and not exists (select from attempts l where l.job_id = a.job_id and l.number > a.number)
    and not exists (select from job_queue q where q.job_id = a.job_id)
    and not exists (select from job_ends e where e.job_id = a.job_id)
  union all
  select e.job_id, e.state from job_ends e
) u
join jobs j on j.id = u.job_id
join queues s on s.id = j.queue_id
join task_versions v on v.id = j.task_version_id
join tasks t on t.id = v.task_id
where s.namespace = $1 and ($2::text is null or s.name = $2)
  and u.state = any($3::text[])
  and ($4::text is null or t.name = $4)
  and ($5::timestamptz is null or j.created_at >= $5)
  and ($6::text is null or j.tags @> $6::jsonb)
group by u.state

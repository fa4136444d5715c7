-- The ids of a page. Each kind of state is looked for where it is kept, newest first and no farther than a page
-- reaches, so that what is rare is not looked for in all that is not; the newest of all of them are the page.
with wanted as not materialized (
  select j.id
  from jobs j
  join queues s on s.id = j.queue_id
  join task_versions v on v.id = j.task_version_id
  join tasks t on t.id = v.task_id
  where s.namespace = $1
    and ($3::text is null or t.name = $3)
    and ($4::text is null or s.name = $4)
    and ($5::timestamptz is null or j.created_at >= $5)
    and ($6::text is null or j.tags @> $6::jsonb)
)
select f.id as "id!"
from (
  (select w.id
   from wanted w
   where $7::text[] is null and w.id < $2
   order by w.id desc
   limit $8)
  union all
  (select q.job_id
   from job_queue q
   join wanted w on w.id = q.job_id
   where $7 && array['scheduled', 'queued', 'running'] and q.job_id < $2
     and case when q.session is not null then 'running' when q.run_at > now() then 'scheduled' else 'queued' end
         = any($7)
   order by q.job_id desc
   limit $8)
  union all
  (select a.job_id
   from attempts a
   join wanted w on w.id = a.job_id
   where 'succeeded' = any($7) and a.job_id < $2 and a.outcome = 'succeeded'
   order by a.job_id desc
   limit $8)
  union all
  (select a.job_id
   from attempts a
   join wanted w on w.id = a.job_id
   where $7 && array['failed', 'cancelled'] and a.job_id < $2 and a.final and a.outcome <> 'succeeded'
     and case a.outcome when 'cancelled' then 'cancelled' else 'failed' end = any($7)
     and not exists (select from attempts l where l.job_id = a.job_id and l.number > a.number)
     and not exists (select from job_queue q where q.job_id = a.job_id)
     and not exists (select from job_ends e where e.job_id = a.job_id)
   order by a.job_id desc
   limit $8)
  union all
  (select e.job_id
   from job_ends e
   join wanted w on w.id = e.job_id
   where $7 && array['failed', 'cancelled'] and e.job_id < $2 and e.state = any($7)
   order by e.job_id desc
   limit $8)
) f
order by f.id desc
limit $8

-- How many failed or were cancelled: by their last attempt, unless something outranks it, and otherwise than by an
-- attempt.
select count(*) filter (where u.state = 'failed') as "failed!: i64",
       count(*) filter (where u.state = 'cancelled') as "cancelled!: i64"
from (
  select a.job_id, case a.outcome when 'cancelled' then 'cancelled' else 'failed' end as state
  from attempts a indexed by attempts_failed
  where a.final and a.outcome <> 'succeeded'
    and a.job_id >= case when ?4 is null then x'' else (
      select min(n.id) from jobs n indexed by jobs_created where n.created_at >= ?4) end
    and not exists (select 1 from attempts l where l.job_id = a.job_id and l.number > a.number)
    and not exists (select 1 from job_queue q where q.job_id = a.job_id)
    and not exists (select 1 from job_ends e where e.job_id = a.job_id)
  union all
  select e.job_id, e.state
  from job_ends e
  where e.job_id >= case when ?4 is null then x'' else (
      select min(n.id) from jobs n indexed by jobs_created where n.created_at >= ?4) end
) u
cross join jobs j on j.id = u.job_id
cross join queues s on s.id = j.queue_id
where s.namespace = ?1 and (?2 is null or s.name = ?2)
  and (?4 is null or j.created_at >= ?4)
  and (?3 is null or j.task_version_id in (
    select v.id from tasks t cross join task_versions v on v.task_id = t.id
    where t.namespace = ?1 and t.name = ?3))
  and (?5 = '[]' or not exists (
    select 1 from json_each(?5) w
    where not exists (
      select 1 from json_each(j.tags) g where g.key = w.value ->> 0 and g.value = w.value ->> 1)))

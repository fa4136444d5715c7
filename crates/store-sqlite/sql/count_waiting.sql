-- Scheduled or queued: the unfinished of each queue. What only the jobs themselves tell is looked up when it is asked
-- for.
select count(*) filter (where q.run_at > ?6) as "scheduled!: i64", count(*) filter (where q.run_at <= ?6) as "queued!: i64"
from queues s
cross join job_queue q on q.queue_id = s.id
where q.session is null
  and s.namespace = ?1 and (?2 is null or s.name = ?2)
  and (?3 is null and ?4 is null and ?5 = '[]' or exists (
    select 1 from jobs j
    where j.id = q.job_id
      and (?4 is null or j.created_at >= ?4)
      and (?3 is null or j.task_version_id in (
        select v.id from tasks t cross join task_versions v on v.task_id = t.id
        where t.namespace = ?1 and t.name = ?3))
      and (?5 = '[]' or not exists (
        select 1 from json_each(?5) w
        where not exists (
          select 1 from json_each(j.tags) g where g.key = w.value ->> 0 and g.value = w.value ->> 1)))))

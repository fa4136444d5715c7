-- Failed or cancelled by their last attempt, unless something outranks it: a walk through such attempts.
select a.job_id as "id!: Uuid"
from attempts a indexed by attempts_failed
cross join jobs j on j.id = a.job_id
cross join queues s on s.id = j.queue_id
cross join task_versions v on v.id = j.task_version_id
cross join tasks t on t.id = v.task_id
where a.job_id < ?1
  and a.job_id >= case when ?2 is null then x'' else (
    select min(n.id) from jobs n indexed by jobs_created where n.created_at >= ?2) end
  and a.final and a.outcome <> 'succeeded'
  and case a.outcome when 'cancelled' then 'cancelled' else 'failed' end in (select value from json_each(?8))
  and not exists (select 1 from attempts l where l.job_id = a.job_id and l.number > a.number)
  and not exists (select 1 from job_queue q where q.job_id = a.job_id)
  and not exists (select 1 from job_ends e where e.job_id = a.job_id)
  and (?2 is null or j.created_at >= ?2)
  and s.namespace = ?3 and (?4 is null or t.name = ?4) and (?5 is null or s.name = ?5)
  and not exists (
    select 1 from json_each(?6) w
    where not exists (
      select 1 from json_each(j.tags) g where g.key = w.value ->> 0 and g.value = w.value ->> 1))
order by a.job_id desc
limit ?7

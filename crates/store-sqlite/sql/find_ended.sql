-- Failed or cancelled otherwise than by an attempt: a walk through their ends.
select e.job_id as "id!: Uuid"
from job_ends e
cross join jobs j on j.id = e.job_id
cross join queues s on s.id = j.queue_id
cross join task_versions v on v.id = j.task_version_id
cross join tasks t on t.id = v.task_id
where e.job_id < ?1
  and e.job_id >= case when ?2 is null then x'' else (
    select min(n.id) from jobs n indexed by jobs_created where n.created_at >= ?2) end
  and e.state in (select value from json_each(?8))
  and (?2 is null or j.created_at >= ?2)
  and s.namespace = ?3 and (?4 is null or t.name = ?4) and (?5 is null or s.name = ?5)
  and not exists (
    select 1 from json_each(?6) w
    where not exists (
      select 1 from json_each(j.tags) g where g.key = w.value ->> 0 and g.value = w.value ->> 1))
order by e.job_id desc
limit ?7

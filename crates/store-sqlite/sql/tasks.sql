select t.name as "task!: String", max(v.version) as "latest!: i64"
from tasks t
join task_versions v on v.task_id = t.id
where t.namespace = ?1
group by t.id
order by t.name

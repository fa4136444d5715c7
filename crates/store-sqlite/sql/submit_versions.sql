select v.id as "id!: i64", t.id as "task_id!: i64", t.name as "task!: String"
from task_versions v
join tasks t on t.id = v.task_id
where v.id in (select value from json_each(?1))

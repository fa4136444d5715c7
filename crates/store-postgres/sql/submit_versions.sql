select v.id as "id!", t.id as "task_id!", t.name as "task!"
from task_versions v
join tasks t on t.id = v.task_id
where v.id = any($1::bigint[])

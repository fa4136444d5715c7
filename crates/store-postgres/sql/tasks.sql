select t.name as "name!", max(v.version)::bigint as "latest!"
from tasks t
join task_versions v on v.task_id = t.id
where t.namespace = $1
group by t.id
order by t.name

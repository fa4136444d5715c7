select c.id as "id!: i64"
from schedules c
where c.namespace = ?1 and c.name > ?2 and c.deleted_at is null
  and (?3 = '[]' or c.state in (select value from json_each(?3)))
  and (?4 is null or instr(
    case when json_valid(cast(c.spec as text)) then cast(c.spec as text) ->> 'task' end || '@', ?4 || '@') = 1)
order by c.name
limit ?5

select c.id as "id!: i64"
from schedules c
where c.look_at <= ?1 and c.deleted_at is null
order by c.look_at
limit ?2

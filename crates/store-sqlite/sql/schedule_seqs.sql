select c.id as "id!: i64", c.seq as "seq!: i64"
from json_each(?1) w
cross join schedules c on c.id = w.value
where c.deleted_at is null

select s.id as "id!: i64", s.namespace as "namespace!: String", s.name as "queue!: String"
from jsonb_each(?1) e
cross join queues s on s.namespace = e.value ->> 0 and s.name = e.value ->> 1

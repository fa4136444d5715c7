select id as "id!: i64", name as "name!: String", address as "address!: String"
from host_sessions where closed_at is null order by id

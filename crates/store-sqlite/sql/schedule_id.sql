select id as "id!: i64" from schedules where namespace = ?1 and name = ?2 and deleted_at is null

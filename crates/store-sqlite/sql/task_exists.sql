select id as "id!: i64" from tasks where namespace = ?1 and name = ?2

insert into queues (namespace, name) values (?1, ?2)
returning id as "id!: i64"

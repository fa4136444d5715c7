select id as "id!: i64" from host_sessions where id = ?1 and closed_at is null and lease_until > ?2

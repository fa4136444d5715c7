update host_sessions set lease_until = ?3
where id = ?1 and closed_at is null and lease_until > ?2
returning draining as "draining!: bool"

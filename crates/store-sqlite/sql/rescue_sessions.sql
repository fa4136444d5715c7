update host_sessions set closed_at = ?1 where closed_at is null and lease_until <= ?1

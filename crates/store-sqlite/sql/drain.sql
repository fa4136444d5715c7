update host_sessions set draining = 1 where id = ?1 and closed_at is null

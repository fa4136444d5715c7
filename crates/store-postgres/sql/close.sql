update host_sessions set closed_at = clock_timestamp() where id = $1 and closed_at is null

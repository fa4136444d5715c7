update host_sessions set closed_at = now() where id = $1 and closed_at is null

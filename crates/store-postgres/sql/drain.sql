update host_sessions set draining = true where id = $1 and closed_at is null

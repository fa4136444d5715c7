update host_sessions set closed_at = ?1 where id = ?2 and closed_at is null

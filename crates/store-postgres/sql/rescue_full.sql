select id from host_sessions where closed_at is not null and not emptied

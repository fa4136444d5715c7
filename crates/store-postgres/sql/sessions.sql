select id, name, address from host_sessions where closed_at is null order by id

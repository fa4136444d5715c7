-- Waits for claims of the session that are under way, and lets no other begin.
select id from host_sessions where id = $1 and closed_at is null for update

-- Losing one with a crash of the server only makes the session look silent, so nobody waits for the disk. Of the
-- queue nothing is asked here: who has locked that holds up no sign of life.
with quick as materialized (
  select set_config('synchronous_commit', 'off', true)
)
update host_sessions h set lease_until = now() + $2::bigint * interval '1 ms'
from quick
where h.id = $1 and h.closed_at is null and h.lease_until > now()
returning h.draining

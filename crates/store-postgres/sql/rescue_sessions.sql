-- One whose claim is under way is left for the next round.
with silent as materialized (
  select id from host_sessions where closed_at is null and (lease_until <= now() or id = any($1::bigint[])) order by id
  for update skip locked
)
update host_sessions h set closed_at = now() from silent s where h.id = s.id

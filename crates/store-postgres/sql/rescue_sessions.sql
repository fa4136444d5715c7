-- One whose claim is under way is left for the next round. The transaction may have begun before claims that it sees:
-- closed is when the row is held.
with silent as materialized (
  select id from host_sessions where closed_at is null and (lease_until <= now() or id = any($1::bigint[])) order by id
  for update skip locked
)
update host_sessions h set closed_at = clock_timestamp() from silent s where h.id = s.id

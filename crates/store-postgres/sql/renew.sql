with signed_in as (
  insert into schedulers (id, address, seen_at) values ($1, $2, now())
  on conflict (id) do update set address = excluded.address, seen_at = excluded.seen_at
)
update leader set address = $2, expires_at = now() + $4::bigint * interval '1 ms'
where name = 'scheduler' and holder = $1 and term = $3 and expires_at > now()

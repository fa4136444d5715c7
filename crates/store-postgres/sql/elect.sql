-- A term that ends later than any lease could make it is nobody's: a clock was set back, or a hand wrote it.
with signed_in as (
  insert into schedulers (id, address, seen_at) values ($1, $2, now())
  on conflict (id) do update set address = excluded.address, seen_at = excluded.seen_at
)
insert into leader (name, term, holder, address, since, expires_at)
values ('scheduler', 1, $1, $2, now(), now() + $3::bigint * interval '1 ms')
on conflict (name) do update set
  term = case when leader.holder = excluded.holder then leader.term else leader.term + 1 end,
  since = case when leader.holder = excluded.holder then leader.since else excluded.since end,
  holder = excluded.holder, address = excluded.address, expires_at = excluded.expires_at
where leader.holder = excluded.holder or leader.expires_at <= now()
   or leader.expires_at > now() + 20 * $3::bigint * interval '1 ms'
returning term

-- A term that ends later than any lease could make it is nobody's: a clock was set back, or a hand wrote it.
insert into leader (name, term, holder, address, since, expires_at) values ('scheduler', 1, ?1, ?2, ?3, ?4)
on conflict (name) do update set
  term = case when leader.holder = excluded.holder then leader.term else leader.term + 1 end,
  since = case when leader.holder = excluded.holder then leader.since else excluded.since end,
  holder = excluded.holder, address = excluded.address, expires_at = excluded.expires_at
where leader.holder = excluded.holder or leader.expires_at <= ?3 or leader.expires_at > ?3 + 20 * (?4 - ?3)
returning term as "term!: i64"

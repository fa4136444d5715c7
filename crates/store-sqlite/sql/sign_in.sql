insert into schedulers (id, address, seen_at) values (?1, ?2, ?3)
on conflict (id) do update set address = excluded.address, seen_at = excluded.seen_at

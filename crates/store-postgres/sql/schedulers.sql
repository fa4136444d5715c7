select id, address from schedulers where seen_at > now() - $1::bigint * interval '1 ms' order by id

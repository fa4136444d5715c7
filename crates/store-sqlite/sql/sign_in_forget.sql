delete from schedulers where seen_at < ?1

select id as "id!: String", address as "address!: String" from schedulers where seen_at > ?1 order by id

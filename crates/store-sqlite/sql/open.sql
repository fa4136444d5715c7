insert into host_sessions (name, address, version, slots, started_at, lease_until)
values (?1, ?2, ?3, ?4, ?5, ?6)
returning id as "id!: i64"

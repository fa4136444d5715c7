insert into host_sessions (name, address, version, slots, lease_until)
values ($1, $2, $3, $4, now() + $5::bigint * interval '1 ms')
returning id

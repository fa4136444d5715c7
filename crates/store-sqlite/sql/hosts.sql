select h.id as "id!: i64", h.name as "name!: String", h.address as "address!: String",
       h.version as "version!: String", h.slots as "slots!: i64", h.draining as "draining!: bool",
       h.started_at as "started_at!: i64", h.lease_until as "lease_until!: i64",
       (select count(*) from job_queue q where q.session = h.id) as "running!: i64"
from host_sessions h
where h.closed_at is null
order by h.id

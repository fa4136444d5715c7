select q.job_id as "job!: Uuid", q.attempt as "attempt!: i64", q.session as "session!: i64",
       q.losses as "losses!: i64", q.cancel_requested as "cancel_requested!: bool",
       q.priority as "priority!: i64", s.namespace as "namespace!: String", s.name as "queue!: String"
from job_queue q
cross join host_sessions h on h.id = q.session
cross join queues s on s.id = q.queue_id
where q.session is not null and h.closed_at is not null and (?1 is null or q.session = ?1)
limit ?2

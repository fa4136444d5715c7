select job_id as "job!: Uuid", attempt as "attempt!: i64", cancel_at as "cancel_at?: i64"
from job_queue
where session = ?1 and cancel_requested

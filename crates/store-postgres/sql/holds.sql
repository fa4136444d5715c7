select q.cancel_requested
from job_queue q
join host_sessions h on h.id = q.session
where q.job_id = $1 and q.attempt = $2 and q.session = $3 and h.closed_at is null and h.lease_until > now()

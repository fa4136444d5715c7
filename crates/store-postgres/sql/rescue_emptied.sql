update host_sessions h set emptied = true
where h.id = any($1::bigint[]) and h.closed_at is not null
  and not exists (select from job_queue q where q.session = h.id)

-- Of several cancels the one that ends first holds; one without an end to its grace ends at once.
update job_queue q
set cancel_requested = true,
    cancel_at = case
      when $2::bigint > 0 and (q.cancel_at is not null or not q.cancel_requested)
      then least(q.cancel_at, now() + $2 * interval '1 ms')
    end
where q.job_id = any($1::uuid[]) and q.session is not null

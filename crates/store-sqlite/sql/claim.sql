update job_queue set session = ?1, attempt = attempt + 1, claimed_at = ?2, expires_at = null
where job_id in (select unhex(value) from json_each(?3))
  and session is null and run_at <= ?2 and (expires_at is null or expires_at > ?2)
returning job_id as "job!: Uuid"

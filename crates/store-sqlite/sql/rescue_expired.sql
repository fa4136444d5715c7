delete from job_queue
where job_id in (
  select job_id from job_queue where expires_at <= ?1 and session is null order by expires_at limit ?2)
returning job_id as "job!: Uuid"

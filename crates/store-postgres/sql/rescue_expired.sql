with late as materialized (
  select job_id from job_queue where expires_at <= now() and session is null order by expires_at, job_id limit $1
  for update skip locked
),
gone as (
  delete from job_queue q using late l where q.job_id = l.job_id returning q.job_id
),
ends as (
  insert into job_ends (job_id, state, error_kind, error_message)
  select job_id, 'failed', $2::text, $3::text from gone
  on conflict (job_id) do update set
    state = excluded.state, error_kind = excluded.error_kind, error_message = excluded.error_message,
    finished_at = now()
)
select job_id from gone order by job_id

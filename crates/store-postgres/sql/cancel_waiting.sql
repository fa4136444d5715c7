with waiting as (
  delete from job_queue where job_id = any($1::uuid[]) and session is null returning job_id
)
insert into job_ends (job_id, state)
select job_id, 'cancelled' from waiting
on conflict (job_id) do update set
  state = excluded.state, error_kind = null, error_message = null, finished_at = now()

delete from job_checkpoints
where job_id in (
  select unhex(e.value ->> 'job') from jsonb_each(?1) e where e.value ->> 'outcome' = 'succeeded')

delete from job_queue
where job_id in (select unhex(e.value ->> 'job') from jsonb_each(?1) e where e.value ->> 'final')

delete from job_queue
where job_id in (select unhex(e.value ->> 'job') from json_each(?1) e where e.value ->> 'final')

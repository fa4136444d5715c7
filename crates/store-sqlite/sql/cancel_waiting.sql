delete from job_queue where job_id in (select unhex(value) from json_each(?1)) and session is null

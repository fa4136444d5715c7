delete from job_ends where job_id in (select unhex(value) from json_each(?1))

delete from job_queue where job_id = ?1 and session is null

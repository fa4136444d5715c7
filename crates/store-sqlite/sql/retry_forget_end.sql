delete from job_ends where job_id = ?1

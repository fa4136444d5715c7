select job_id from job_queue where job_id = $1 for update

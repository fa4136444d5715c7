update job_queue set cancel_requested = true where job_id = $1 and session is not null

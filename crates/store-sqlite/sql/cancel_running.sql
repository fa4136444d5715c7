update job_queue set cancel_requested = 1 where job_id = ?1 and session is not null

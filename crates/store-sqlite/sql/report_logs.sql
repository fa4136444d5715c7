insert into job_logs (job_id, attempt, lines) values (?1, ?2, ?3)

-- How many jobs have not ended, and how many of them run or are due.
select count(*), count(*) filter (where session is not null or run_at <= now()) from job_queue

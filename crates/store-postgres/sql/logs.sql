select position, attempt::bigint as "attempt!", lines
from job_logs
where job_id = $1 and position >= $2
order by position
limit $3

select f.instant as "instant!", f.job_id as "job!"
from schedule_fires f
where f.schedule_id = $1 and f.instant = any($2::timestamptz[])

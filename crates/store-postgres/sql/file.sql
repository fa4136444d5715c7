select f.name, f.media_type, f.bytes
from job_files f
where f.job_id = $1 and f.name = $2 and f.attempt = (select max(a.number) from attempts a where a.job_id = $1)

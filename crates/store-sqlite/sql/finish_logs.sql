insert into job_logs (job_id, attempt, lines)
select unhex(e.value ->> 'job'), e.value ->> 'attempt', cast(e.value ->> 'lines' as blob)
from json_each(?1) e

insert into job_logs (job_id, attempt, lines)
select unhex(e.value ->> 'job'), e.value ->> 'attempt', substr(?2, e.value ->> 'from', e.value ->> 'bytes')
from jsonb_each(?1) e

insert into job_queue (job_id, queue_id, priority, run_at, expires_at)
select unhex(e.value ->> 'id'), e.value ->> 'queue_id', e.value ->> 'priority', e.value ->> 'run_at',
       e.value ->> 'expires_at'
from jsonb_each(?1) e

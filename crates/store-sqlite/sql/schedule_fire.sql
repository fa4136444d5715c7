insert into schedule_fires (schedule_id, instant, kind, job_id, fired_at)
select e.value ->> 'schedule', e.value ->> 'instant', e.value ->> 'kind', unhex(e.value ->> 'job'), ?2
from jsonb_each(?1) e

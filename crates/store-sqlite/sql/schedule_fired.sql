select f.schedule_id as "schedule!: i64", f.instant as "instant!: i64", f.job_id as "job!: Uuid"
from jsonb_each(?1) e
cross join schedule_fires f on f.schedule_id = e.value ->> 'id' and f.instant = e.value ->> 'at'

-- Back into the queue with nothing counted against them; the numbers of their attempts go on.
with forgotten as (
  delete from job_ends where job_id = any($1::uuid[])
)
insert into job_queue (job_id, queue_id, priority, attempt, run_at)
select j.id, j.queue_id, j.priority,
       coalesce((select max(a.number) from attempts a where a.job_id = j.id), 0), now()
from jobs j
where j.id = any($1::uuid[])
returning job_id, run_at

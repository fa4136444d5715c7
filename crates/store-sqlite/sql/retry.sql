-- Back into the queue with nothing counted against them; the numbers of their attempts go on.
insert into job_queue (job_id, queue_id, priority, attempt, run_at)
select j.id, j.queue_id, j.priority,
       coalesce((select max(a.number) from attempts a where a.job_id = j.id), 0), ?2
from json_each(?1) w
cross join jobs j on j.id = unhex(w.value)

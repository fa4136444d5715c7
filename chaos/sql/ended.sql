-- How many jobs of a load are stored and have ended.
select count(*)
from jobs j
where j.id between '{first}' and '{last}' and not exists (select from job_queue q where q.job_id = j.id)

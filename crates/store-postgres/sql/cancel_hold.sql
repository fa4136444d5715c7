-- What is unfinished; it stays locked. Locked in order, so that two who cancel the same jobs do not deadlock.
select q.job_id as "job!", q.attempt::bigint as "attempt!", q.session as "session?"
from job_queue q
join queues s on s.id = q.queue_id
where q.job_id = any($1::uuid[]) and s.namespace = $2
order by q.job_id
for update of q

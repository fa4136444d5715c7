select q.job_id as "job!", q.attempt::bigint as "attempt!",
       ceil(extract(epoch from greatest(q.cancel_at - now(), interval '0')) * 1000)::bigint as "grace_ms!"
from job_queue q
where q.cancel_requested and q.session = $1
order by q.job_id

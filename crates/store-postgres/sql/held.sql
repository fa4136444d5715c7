-- What closed sessions still hold; it stays locked.
select q.job_id as "job!", q.attempt::bigint as "attempt!", q.session as "session!", q.losses::bigint as "losses!",
       q.cancel_requested as "cancel_requested!"
from job_queue q
where q.session = any($1::bigint[])
order by q.job_id
limit $2
for update of q skip locked

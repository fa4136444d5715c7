-- Named plainly, the key is a column that sqlx looks for in a table; so it is a sum.
select e.key + 0 as "place!: i64", q.cancel_requested as "cancel_requested!: bool"
from jsonb_each(?1) e
cross join job_queue q
  on q.job_id = unhex(e.value ->> 'job') and q.attempt = e.value ->> 'attempt' and q.session = e.value ->> 'session'
cross join host_sessions h on h.id = q.session
where h.closed_at is null and h.lease_until > ?2
order by e.key

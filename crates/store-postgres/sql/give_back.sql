-- Ends attempts that nobody reported; their rows in the queue are locked. Some may have begun after the transaction.
-- So they end at the instant of this statement, and so do their jobs.
with moment as materialized (
  select clock_timestamp() as at
),
ended as (
  select * from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::text[])
    as e (job_id, final, end_state, end_kind, end_message)
),
history as (
  insert into attempts (job_id, number, session, started_at, finished_at, outcome, final, error_kind, error_message)
  select q.job_id, q.attempt, q.session, q.claimed_at, m.at, $6::text, e.final, $7::text, $8::text
  from ended e
  cross join moment m
  join job_queue q on q.job_id = e.job_id
),
done as (
  delete from job_queue q using ended e where q.job_id = e.job_id and e.final
),
ends as (
  insert into job_ends (job_id, state, error_kind, error_message, finished_at)
  select e.job_id, e.end_state, e.end_kind, e.end_message, m.at from ended e cross join moment m where e.final
  on conflict (job_id) do update set
    state = excluded.state, error_kind = excluded.error_kind, error_message = excluded.error_message,
    finished_at = excluded.finished_at
),
again as (
  update job_queue q
  set session = null, claimed_at = null, cancel_requested = false, cancel_at = null, run_at = now(),
      losses = q.losses + case when $6 = 'lost' then 1 else 0 end
  from ended e
  where q.job_id = e.job_id and not e.final
  returning q.job_id, q.queue_id, q.priority, q.run_at
)
select a.job_id as "job!", s.namespace as "namespace!", s.name as "queue!", a.priority::bigint as "priority!",
       a.run_at as "run_at!"
from again a
join queues s on s.id = a.queue_id
order by a.priority, a.run_at, a.job_id

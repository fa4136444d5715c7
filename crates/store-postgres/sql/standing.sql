-- By the instant of the statement: whoever waited for a lock in its transaction sees what became due meanwhile.
select j.id as "id!", s.namespace as "namespace!", s.name as "queue!", j.priority::bigint as "priority!",
       coalesce(q.run_at, j.run_at) as "run_at!", q.attempt::bigint as "attempt?", q.session as "session?",
       case
         when q.session is not null then 'running'
         when q.run_at > statement_timestamp() then 'scheduled'
         when q.job_id is not null then 'queued'
         when e.job_id is not null then e.state
         when a.outcome in ('succeeded', 'cancelled') then a.outcome
         else 'failed'
       end as "state!"
from unnest($1::uuid[]) as asked (id)
join jobs j on j.id = asked.id
join queues s on s.id = j.queue_id
left join job_queue q on q.job_id = j.id
left join job_ends e on e.job_id = j.id
left join lateral (
  select l.outcome from attempts l where l.job_id = j.id order by l.number desc limit 1) a on true

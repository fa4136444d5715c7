select j.id as "id!", s.namespace as "namespace!", s.name as "queue!", t.name as "task!",
       v.version::bigint as "version!", v.sha256 as "sha256!", j.priority::bigint as "priority!",
       j.payload as "payload!",
       case when q.job_id is null and e.job_id is null then a.result end as "result?",
       case when e.job_id is null then a.error_kind else e.error_kind end as "error_kind?",
       case when e.job_id is null then a.error_message else e.error_message end as "error_message?",
       coalesce(q.attempt, a.number, 0)::bigint as "attempt!", j.max_attempts::bigint as "max_attempts!",
       j.key as "key?", j.tags::text as "tags?", j.timeout_ms as "timeout_ms?", j.limits as "limits?",
       p.percent::bigint as "percent?", p.message as "progress_message?",
       coalesce(q.cancel_requested, false) as "cancel_requested!", j.parent as "parent?",
       c.name as "schedule?", f.instant as "scheduled_for?",
       j.created_at as "created_at!", coalesce(q.run_at, j.run_at) as "run_at!",
       case when q.session is null then a.started_at else q.claimed_at end as "started_at?",
       case when q.job_id is null then coalesce(e.finished_at, a.finished_at) end as "finished_at?",
       case
         when q.session is not null then 'running'
         when q.run_at > now() then 'scheduled'
         when q.job_id is not null then 'queued'
         when e.job_id is not null then e.state
         when a.outcome in ('succeeded', 'cancelled') then a.outcome
         else 'failed'
       end as "state!"
from unnest($1::uuid[]) as asked (id)
join jobs j on j.id = asked.id
join queues s on s.id = j.queue_id
join task_versions v on v.id = j.task_version_id
join tasks t on t.id = v.task_id
left join job_queue q on q.job_id = j.id
left join job_ends e on e.job_id = j.id
left join job_progress p on p.job_id = j.id
left join schedule_fires f on f.job_id = j.id
left join schedules c on c.id = f.schedule_id
left join lateral (
  select l.number, l.outcome, l.result, l.error_kind, l.error_message, l.started_at, l.finished_at
  from attempts l
  where l.job_id = j.id
  order by l.number desc
  limit 1) a on true
order by j.id desc

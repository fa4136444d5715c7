select j.id as "id!: Uuid", s.namespace as "namespace!: String", s.name as "queue!: String",
       t.name as "task!: String", v.version as "version!: i64", v.sha256 as "sha256!: Vec<u8>",
       j.priority as "priority!: i64", j.payload as "payload!: Vec<u8>",
       case when q.job_id is null and e.job_id is null then a.result end as "result?: Vec<u8>",
       case when e.job_id is null then a.error_kind else e.error_kind end as "error_kind?: String",
       case when e.job_id is null then a.error_message else e.error_message end as "error_message?: String",
       coalesce(q.attempt, a.number, 0) as "attempt!: i64", j.max_attempts as "max_attempts!: i64",
       j.key as "key?: String", j.tags as "tags?: String", j.timeout_ms as "timeout_ms?: i64",
       j.limits as "limits?: String", p.percent as "percent?: i64",
       p.message as "progress_message?: String", coalesce(q.cancel_requested, 0) as "cancel_requested!: bool",
       j.parent as "parent?: Uuid", c.name as "schedule?: String", f.instant as "scheduled_for?: i64",
       j.created_at as "created_at!: i64",
       coalesce(q.run_at, j.run_at) as "run_at!: i64",
       case when q.session is null then a.started_at else q.claimed_at end as "started_at?: i64",
       case when q.job_id is null then coalesce(e.finished_at, a.finished_at) end as "finished_at?: i64",
       case
         when q.session is not null then 'running'
         when q.run_at > ?1 then 'scheduled'
         when q.job_id is not null then 'queued'
         when e.job_id is not null then e.state
         when a.outcome in ('succeeded', 'cancelled') then a.outcome
         else 'failed'
       end as "state!: String"
from json_each(?2) w
cross join jobs j on j.id = unhex(w.value)
cross join queues s on s.id = j.queue_id
cross join task_versions v on v.id = j.task_version_id
cross join tasks t on t.id = v.task_id
left join job_queue q on q.job_id = j.id
left join job_ends e on e.job_id = j.id
left join job_progress p on p.job_id = j.id
left join schedule_fires f on f.job_id = j.id
left join schedules c on c.id = f.schedule_id
left join attempts a
  on a.job_id = j.id and a.number = (select max(l.number) from attempts l where l.job_id = j.id)
order by w.key

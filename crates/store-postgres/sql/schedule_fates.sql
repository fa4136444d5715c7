-- The latest of both histories, and where the jobs of the fires stand: in the words of standing.sql.
with told as materialized (
  (select f.instant, f.kind, f.fired_at as recorded_at, f.job_id, null::timestamptz as until, null::bigint as count,
          null::text as reason, null::text as detail
   from schedule_fires f
   where f.schedule_id = $1 and f.instant < coalesce($2::timestamptz, 'infinity')
   order by f.instant desc
   limit $3)
  union all
  (select s.from_instant, s.kind, s.skipped_at, null::uuid, s.until_instant, s.count::bigint, s.reason, s.detail
   from schedule_skips s
   where s.schedule_id = $1 and s.from_instant < coalesce($2::timestamptz, 'infinity')
   order by s.from_instant desc
   limit $3)
  order by instant desc, recorded_at desc
  limit $3
)
select t.instant as "instant!", t.kind as "kind!", t.recorded_at as "recorded_at!", t.job_id as "job?",
       case
         when t.job_id is null then null
         when q.session is not null then 'running'
         when q.run_at > now() then 'scheduled'
         when q.job_id is not null then 'queued'
         when e.job_id is not null then e.state
         when a.outcome in ('succeeded', 'cancelled') then a.outcome
         else 'failed'
       end as "job_state?",
       t.until as "until?", t.count as "count?", t.reason as "reason?", t.detail as "detail?"
from told t
left join job_queue q on q.job_id = t.job_id
left join job_ends e on e.job_id = t.job_id
left join lateral (
  select l.outcome from attempts l where l.job_id = t.job_id order by l.number desc limit 1) a on true
order by t.instant desc, t.recorded_at desc

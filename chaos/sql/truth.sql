-- Everything since {since} (microseconds), an object a line: jobs with their attempts, sessions, what is not at rest, what
-- schedules did, and the schedules themselves. One statement, so that all of it is of one moment.
with named as (
  select s.*,
         case when s.namespace = 'default' then '' else s.namespace || '/' end || s.name
           || case when s.deleted_at is null then '' else '#' || s.id end as label
  from schedules s)
select json_build_object('job', json_build_object(
         'id', j.id,
         'state', case
           when q.session is not null then 'running'
           when q.run_at > now() then 'scheduled'
           when q.job_id is not null then 'queued'
           when e.job_id is not null then e.state
           when a.outcome in ('succeeded', 'cancelled') then a.outcome
           else 'failed'
         end,
         'result', case
           when q.job_id is null and e.job_id is null and octet_length(a.result) < 1000
           then convert_from(a.result, 'UTF8')::json
         end,
         'key', j.key,
         'max_attempts', j.max_attempts,
         'run_at_us', (extract(epoch from j.run_at) * 1000000)::bigint,
         'attempts', coalesce(a.list, '[]')))
from jobs j
left join job_queue q on q.job_id = j.id
left join job_ends e on e.job_id = j.id
left join lateral (
  select (array_agg(l.outcome order by l.number desc))[1] as outcome,
         (array_agg(l.result order by l.number desc))[1] as result,
         json_agg(json_build_object(
           'number', l.number,
           'session', l.session,
           'started_us', (extract(epoch from l.started_at) * 1000000)::bigint,
           'finished_us', (extract(epoch from l.finished_at) * 1000000)::bigint,
           'outcome', l.outcome) order by l.number) as list
  from attempts l
  where l.job_id = j.id) a on true
where j.created_at >= to_timestamp({since} / 1000000.0)
union all
select json_build_object('session', json_build_object(
         'id', h.id,
         'host', h.name,
         'started_us', (extract(epoch from h.started_at) * 1000000)::bigint,
         'closed_us', (extract(epoch from h.closed_at) * 1000000)::bigint))
from host_sessions h
where h.closed_at is null or h.closed_at >= to_timestamp({since} / 1000000.0)
union all
select json_build_object('standing', json_build_object(
         'orphans', count(*) filter (where h.closed_at is not null),
         'due', count(*) filter (where q.session is null and q.run_at <= now()),
         'running', count(*) filter (where q.session is not null)))
from job_queue q
left join host_sessions h on h.id = q.session
union all
select json_build_object('fire', json_build_object(
         'schedule', n.label,
         'instant_us', (extract(epoch from f.instant) * 1000000)::bigint,
         'kind', f.kind,
         'recorded_us', (extract(epoch from f.fired_at) * 1000000)::bigint,
         'job', f.job_id))
from schedule_fires f
join named n on n.id = f.schedule_id
where f.fired_at >= to_timestamp({since} / 1000000.0)
union all
select json_build_object('fire', json_build_object(
         'schedule', n.label,
         'instant_us', (extract(epoch from k.from_instant) * 1000000)::bigint,
         'until_us', (extract(epoch from k.until_instant) * 1000000)::bigint,
         'kind', k.kind,
         'recorded_us', (extract(epoch from k.skipped_at) * 1000000)::bigint,
         'reason', k.reason))
from schedule_skips k
join named n on n.id = k.schedule_id
where k.skipped_at >= to_timestamp({since} / 1000000.0)
union all
select json_build_object('schedule', json_build_object(
         'name', n.label,
         'spec', convert_from(n.spec, 'UTF8'),
         'pending', n.pending,
         'updated_us', (extract(epoch from n.updated_at) * 1000000)::bigint,
         'next_us', (extract(epoch from n.next_at) * 1000000)::bigint))
from named n
where n.deleted_at is null

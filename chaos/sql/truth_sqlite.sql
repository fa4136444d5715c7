-- The twin of truth.sql for the file of a `jobctl dev`: everything in it, an object a line.
with named as (
  select s.*,
         case when s.namespace = 'default' then '' else s.namespace || '/' end || s.name
           || case when s.deleted_at is null then '' else '#' || s.id end as label
  from schedules s)
select json_object('job', json_object(
         'id', lower(substr(hex(j.id), 1, 8) || '-' || substr(hex(j.id), 9, 4) || '-' || substr(hex(j.id), 13, 4) || '-'
                     || substr(hex(j.id), 17, 4) || '-' || substr(hex(j.id), 21)),
         'state', case
           when q.session is not null then 'running'
           when q.run_at > cast(unixepoch('subsec') * 1000 as integer) then 'scheduled'
           when q.job_id is not null then 'queued'
           when e.job_id is not null then e.state
           when l.outcome in ('succeeded', 'cancelled') then l.outcome
           else 'failed'
         end,
         'result', case
           when q.job_id is null and e.job_id is null and length(l.result) < 1000 then json(cast(l.result as text))
         end,
         'key', j.key,
         'max_attempts', j.max_attempts,
         'run_at_us', j.run_at * 1000,
         'attempts', (
           select json_group_array(json_object(
                    'number', a.number,
                    'session', a.session,
                    'started_us', a.started_at * 1000,
                    'finished_us', a.finished_at * 1000,
                    'outcome', a.outcome))
           from (select * from attempts where job_id = j.id order by number) a)))
from jobs j
left join job_queue q on q.job_id = j.id
left join job_ends e on e.job_id = j.id
left join attempts l on l.job_id = j.id and l.number = (select max(number) from attempts where job_id = j.id)
union all
select json_object('session', json_object(
         'id', h.id,
         'host', h.name,
         'started_us', h.started_at * 1000,
         'closed_us', h.closed_at * 1000))
from host_sessions h
union all
select json_object('standing', json_object(
         'orphans', coalesce(sum(h.closed_at is not null), 0),
         'due', coalesce(sum(q.session is null and q.run_at <= cast(unixepoch('subsec') * 1000 as integer)), 0),
         'running', coalesce(sum(q.session is not null), 0)))
from job_queue q
left join host_sessions h on h.id = q.session
union all
select json_object('fire', json_object(
         'schedule', n.label,
         'instant_us', f.instant * 1000,
         'kind', f.kind,
         'recorded_us', f.fired_at * 1000,
         'job', lower(substr(hex(f.job_id), 1, 8) || '-' || substr(hex(f.job_id), 9, 4) || '-'
                      || substr(hex(f.job_id), 13, 4) || '-' || substr(hex(f.job_id), 17, 4) || '-'
                      || substr(hex(f.job_id), 21))))
from schedule_fires f
join named n on n.id = f.schedule_id
union all
select json_object('fire', json_object(
         'schedule', n.label,
         'instant_us', k.from_instant * 1000,
         'until_us', k.until_instant * 1000,
         'kind', k.kind,
         'recorded_us', k.skipped_at * 1000,
         'reason', k.reason))
from schedule_skips k
join named n on n.id = k.schedule_id
union all
select json_object('schedule', json_object(
         'name', n.label,
         'spec', cast(n.spec as text),
         'pending', n.pending,
         'updated_us', n.updated_at * 1000,
         'next_us', n.next_at * 1000))
from named n
where n.deleted_at is null

with held as materialized (
  select q.job_id, q.attempt
  from job_queue q
  join host_sessions h on h.id = q.session
  where q.job_id = $1 and q.attempt = $2 and q.session = $3 and h.closed_at is null and h.lease_until > now()
  for share of q
),
logs as (
  insert into job_logs (job_id, attempt, lines)
  select h.job_id, h.attempt, c.lines
  from held h, unnest($4::bytea[]) with ordinality as c (lines, place)
  order by c.place
),
progress as (
  insert into job_progress (job_id, percent, message)
  select h.job_id, $5::smallint, $6::text from held h where $5 is not null
  on conflict (job_id) do update set percent = excluded.percent, message = excluded.message
),
checkpoint as (
  insert into job_checkpoints (job_id, data)
  select h.job_id, $7::bytea from held h where $7 is not null
  on conflict (job_id) do update set data = excluded.data
)
select job_id from held

-- A batch, all or nothing. A job whose id is stored already stays as it is. A key is taken, or tells who has it:
-- the row of the key is where racing submitters wait for each other. `refuse` undoes all of it when a key stands
-- for something else, or an id for a job of another namespace.
with asked as materialized (
  select * from unnest(
    $1::uuid[], $2::bigint[], $3::integer[], $4::smallint[], $5::integer[], $6::bigint[], $7::text[], $8::bytea[],
    $9::timestamptz[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::text[], $15::bytea[],
    $16::bigint[], $17::text[])
  with ordinality as a (
    id, version, queue_id, priority, max_attempts, timeout_ms, tags, payload, start_at, wait_us, expires_us,
    namespace, task_id, key, content, key_us, limits, place)
),
parent as materialized (
  select q.job_id
  from job_queue q
  join host_sessions h on h.id = q.session
  where q.job_id = $18::uuid and q.attempt = $19::integer and q.session = $20::bigint
    and h.closed_at is null and h.lease_until > now()
  for share of q
),
fit as materialized (
  select a.*
  from asked a
  where ($18 is null or exists (select from parent)) and not exists (select from jobs j where j.id = a.id)
),
keys as (
  insert into job_keys as k (namespace, task_id, key, job_id, content, expires_at)
  select namespace, task_id, key, id, content, now() + key_us * interval '1 microsecond'
  from fit
  where key is not null
  order by namespace, task_id, key
  on conflict (namespace, task_id, key) do update set
    job_id = case when k.expires_at <= now() then excluded.job_id else k.job_id end,
    content = case when k.expires_at <= now() then excluded.content else k.content end,
    expires_at = case when k.expires_at <= now() then excluded.expires_at else k.expires_at end
  returning namespace, task_id, key, job_id, content
),
fresh as (
  insert into jobs (id, task_version_id, queue_id, priority, max_attempts, timeout_ms, limits, key, tags, parent,
                    payload, run_at)
  select f.id, f.version, f.queue_id, f.priority, f.max_attempts, f.timeout_ms, f.limits, f.key, f.tags::jsonb, $18,
         f.payload,
         greatest(now(), coalesce(f.start_at, now() + f.wait_us * interval '1 microsecond'))
  from fit f
  left join keys k on k.namespace = f.namespace and k.task_id = f.task_id and k.key = f.key
  where f.key is null or k.job_id = f.id
  order by f.id
  on conflict (id) do nothing
  returning id, queue_id, priority, run_at
),
queued as (
  insert into job_queue (job_id, queue_id, priority, run_at, expires_at)
  select n.id, n.queue_id, n.priority, n.run_at, now() + f.expires_us * interval '1 microsecond'
  from fresh n
  join fit f on f.id = n.id
  order by n.id
  on conflict (job_id) do nothing
)
select a.place as "place!", $18 is null or exists (select from parent) as "held!", n.run_at as "run_at?",
       coalesce(n.run_at > now(), false) as "later!", k.job_id as "holder?",
       case
         when k.content <> a.content then refuse(a.place::text || ' ' || k.job_id::text)
         when f.id is null and exists (
           select from jobs j join queues n on n.id = j.queue_id where j.id = a.id and n.namespace <> a.namespace)
         then refuse('taken ' || a.id::text)
       end as "refused?"
from asked a
left join fit f on f.place = a.place
left join keys k on k.namespace = f.namespace and k.task_id = f.task_id and k.key = f.key
left join fresh n on n.id = f.id
order by a.place

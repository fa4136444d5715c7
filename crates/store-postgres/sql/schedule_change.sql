-- A batch of changes, each for itself: what is another one by now is not answered. The rows are locked in order, so that
-- batches do not deadlock; the row of a fire is what makes its job the only one of its instant. Answered are the places
-- of the changes that were made, and the jobs that are to be stored in the same transaction. What `held` is joined with
-- is a list or a primary key, and nothing else: Postgres takes it for one row, whatever it holds.
with held as materialized (
  select a.*
  from unnest(
    $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::text[],
    $9::bytea[], $10::bytea[], $11::boolean[])
  with ordinality as a (
    id, seq, state, reason, next_at, look_at, pending, open_jobs, spec, payload, deletes, place)
  join schedules c on c.id = a.id and c.seq = a.seq and c.deleted_at is null
  order by c.id
  for update of c
),
fired as (
  insert into schedule_fires (schedule_id, instant, kind, job_id)
  select h.id, f.instant, f.kind, f.job_id
  from unnest($12::bigint[], $13::timestamptz[], $14::text[], $15::uuid[])
  with ordinality as f (change, instant, kind, job_id, place)
  join held h on h.place = f.change
  order by h.id, f.instant, f.place
  on conflict (schedule_id, instant) do nothing
  returning job_id
),
skipped as (
  insert into schedule_skips (schedule_id, from_instant, until_instant, count, kind, reason, detail)
  select h.id, s.from_instant, s.until_instant, s.count, s.kind, s.reason, s.detail
  from unnest(
    $16::bigint[], $17::timestamptz[], $18::timestamptz[], $19::integer[], $20::text[], $21::text[], $22::text[])
  with ordinality as s (change, from_instant, until_instant, count, kind, reason, detail, place)
  join held h on h.place = s.change
  order by s.place
),
changed as (
  update schedules c
  set seq = c.seq + 1, state = h.state, reason = h.reason, next_at = h.next_at, look_at = h.look_at,
      pending = h.pending, open_jobs = h.open_jobs::uuid[], spec = coalesce(h.spec, c.spec),
      payload = coalesce(h.payload, c.payload),
      updated_at = case when h.spec is null then c.updated_at else now() end,
      deleted_at = case when h.deletes then now() end
  from held h
  where c.id = h.id
)
select h.place as "made?", null::uuid as "job?" from held h
union all
select null, f.job_id from fired f

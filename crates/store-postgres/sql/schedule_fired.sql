-- Each by the primary key; `offset 0` keeps it that for a schedule that has fired for years.
select a.instant as "instant!", f.job_id as "job!"
from unnest($2::timestamptz[]) as a (instant)
cross join lateral (
  select f.job_id from schedule_fires f where f.schedule_id = $1 and f.instant = a.instant offset 0) f

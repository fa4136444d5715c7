-- What an open transaction may still see is kept, also rows of the queue that are long gone: each look for due jobs
-- walks over them. Autovacuum's own transactions hold nothing up.
select a.pid as "pid!", (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::bigint as "age_ms!",
       coalesce(a.state, '') as "state!", coalesce(a.application_name, '') as "application!",
       coalesce(a.usename::text, '') as "user!"
from pg_stat_activity a
where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
  and a.xact_start < clock_timestamp() - $1::bigint * interval '1 ms'
order by a.xact_start
limit 5

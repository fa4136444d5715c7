select f.name, f.media_type, octet_length(f.bytes)::bigint as "size_bytes!", f.attempt::bigint as "attempt!"
from job_files f
where f.job_id = $1 and f.attempt = (select max(a.number) from attempts a where a.job_id = $1)
order by f.name

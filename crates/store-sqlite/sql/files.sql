select name as "name!: String", media_type as "media_type!: String", length(bytes) as "size_bytes!: i64",
       attempt as "attempt!: i64"
from job_files
where job_id = ?1 and attempt = (select max(a.number) from attempts a where a.job_id = ?1)
order by name

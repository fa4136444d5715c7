select name as "name!: String", media_type as "media_type!: String", bytes as "bytes!: Vec<u8>"
from job_files
where job_id = ?1 and attempt = (select max(a.number) from attempts a where a.job_id = ?1) and name = ?2

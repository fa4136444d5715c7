select position as "position!: i64", attempt as "attempt!: i64", lines as "lines!: Vec<u8>"
from job_logs
where job_id = ?1 and position >= ?2
order by position
limit ?3

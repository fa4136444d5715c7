select id as "id!: i64", version as "version!: i64", sha256 as "sha256!: Vec<u8>", manifest as "manifest!: Vec<u8>"
from task_versions
where task_id = ?1
order by version desc
limit 1

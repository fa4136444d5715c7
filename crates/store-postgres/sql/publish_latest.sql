select id, version::bigint as "version!", sha256, manifest
from task_versions
where task_id = $1
order by version desc
limit 1

select v.id as "id!", t.namespace as "namespace!", t.name as "task!", v.version::bigint as "version!",
       v.sha256 as "sha256!", v.size_bytes as "size_bytes!", v.manifest as "manifest!", v.created_at as "created_at!",
       v.id is not distinct from t.active_version as "active!"
from task_versions v
join tasks t on t.id = v.task_id
where v.id = $1

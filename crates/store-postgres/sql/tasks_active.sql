select v.id as "id!", t.namespace as "namespace!", t.name as "task!", v.version::bigint as "version!",
       v.sha256 as "sha256!", v.size_bytes as "size_bytes!", v.manifest as "manifest!", v.created_at as "created_at!",
       true as "active!"
from tasks t
join task_versions v on v.id = t.active_version
where t.namespace = $1

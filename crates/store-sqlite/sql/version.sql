select v.id as "id!: i64", t.namespace as "namespace!: String", t.name as "task!: String",
       v.version as "version!: i64", v.sha256 as "sha256!: Vec<u8>", v.size_bytes as "size_bytes!: i64",
       v.manifest as "manifest!: Vec<u8>", v.created_at as "created_at!: i64",
       v.id is t.active_version as "active!: bool"
from task_versions v
join tasks t on t.id = v.task_id
where v.id = ?1

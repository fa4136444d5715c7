select v.id as "id!: i64", t.namespace as "namespace!: String", t.name as "task!: String",
       v.version as "version!: i64", v.sha256 as "sha256!: Vec<u8>", v.size_bytes as "size_bytes!: i64",
       v.manifest as "manifest!: Vec<u8>", v.created_at as "created_at!: i64",
       v.id is t.active_version as "active!: bool"
from tasks t
join task_versions v on v.id = t.active_version
where t.namespace = ?1

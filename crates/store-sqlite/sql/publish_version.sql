insert into task_versions (task_id, version, sha256, size_bytes, manifest, created_at)
values (?1, ?2, ?3, ?4, ?5, ?6)
returning id as "id!: i64"

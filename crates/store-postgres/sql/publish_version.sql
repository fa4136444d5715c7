insert into task_versions (task_id, version, sha256, size_bytes, manifest)
values ($1, $2, $3, $4, $5)
returning id

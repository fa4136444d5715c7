insert into schedules (namespace, name, spec, payload, state, reason, next_at, look_at, pending, open_jobs, created_at,
                       updated_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)
on conflict (namespace, name) where deleted_at is null do nothing
returning id as "id!: i64"

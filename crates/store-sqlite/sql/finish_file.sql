insert into job_files (job_id, attempt, name, media_type, bytes) values (?1, ?2, ?3, ?4, ?5)
on conflict (job_id, attempt, name) do update set media_type = excluded.media_type, bytes = excluded.bytes

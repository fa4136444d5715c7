insert into job_checkpoints (job_id, data) values (?1, ?2)
on conflict (job_id) do update set data = excluded.data

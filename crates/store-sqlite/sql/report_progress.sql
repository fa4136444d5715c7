insert into job_progress (job_id, percent, message) values (?1, ?2, ?3)
on conflict (job_id) do update set percent = excluded.percent, message = excluded.message

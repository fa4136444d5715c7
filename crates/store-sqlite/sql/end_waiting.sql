insert into job_ends (job_id, state, error_kind, error_message, finished_at)
select unhex(value), ?2, ?3, ?4, ?5 from json_each(?1)
where true
on conflict (job_id) do update set state = excluded.state, error_kind = excluded.error_kind,
  error_message = excluded.error_message, finished_at = excluded.finished_at

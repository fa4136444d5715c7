insert into job_keys (namespace, task_id, key, job_id, content, expires_at)
select e.value ->> 'namespace', e.value ->> 'task_id', e.value ->> 'key', unhex(e.value ->> 'job'),
       unhex(e.value ->> 'content'), e.value ->> 'expires_at'
from jsonb_each(?1) e
where true
on conflict (namespace, task_id, key)
do update set job_id = excluded.job_id, content = excluded.content, expires_at = excluded.expires_at

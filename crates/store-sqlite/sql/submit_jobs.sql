insert into jobs (id, task_version_id, queue_id, priority, max_attempts, timeout_ms, limits, key, tags, parent,
                  payload, run_at, created_at)
select unhex(e.value ->> 'id'), e.value ->> 'version', e.value ->> 'queue_id', e.value ->> 'priority',
       e.value ->> 'max_attempts', e.value ->> 'timeout_ms', e.value ->> 'limits', e.value ->> 'key',
       e.value ->> 'tags', unhex(e.value ->> 'parent'), substr(?3, e.value ->> 'from', e.value ->> 'bytes'),
       e.value ->> 'run_at', ?2
from jsonb_each(?1) e

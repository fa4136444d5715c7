select k.namespace as "namespace!: String", k.task_id as "task_id!: i64", k.key as "key!: String",
       k.job_id as "job!: Uuid", k.content as "content!: Vec<u8>"
from jsonb_each(?1) e
cross join job_keys k
  on k.namespace = e.value ->> 'namespace' and k.task_id = e.value ->> 'task_id' and k.key = e.value ->> 'key'
where k.expires_at is null or k.expires_at > ?2

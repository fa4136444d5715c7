select q.job_id as "job!: Uuid", q.attempt as "attempt!: i64", j.task_version_id as "version!: i64",
       s.namespace as "namespace!: String", s.name as "queue!: String", j.payload as "payload!: Vec<u8>",
       q.failures as "failures!: i64", j.max_attempts as "max_attempts!: i64", j.timeout_ms as "timeout_ms?: i64",
       j.limits as "limits?: String", c.data as "checkpoint?: Vec<u8>"
from job_queue q
join jobs j on j.id = q.job_id
join queues s on s.id = q.queue_id
left join job_checkpoints c on c.job_id = q.job_id
where q.job_id in (select unhex(value) from json_each(?1))

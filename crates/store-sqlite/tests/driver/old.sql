-- What the first release left behind, by its own schema: a job that ended, one that runs and is to be cancelled, and one
-- that waits. The sha256 is that of `component`.
insert into components (sha256, bytes, created_at)
values (x'6985ca1f4daa5a584a28eae043a239cb96689af1337ea13afb63e00c2bf512fa', x'636f6d706f6e656e74', 1);
insert into tasks (namespace, name, active_version) values ('default', 'work', 1);
insert into task_versions (task_id, version, sha256, size_bytes, created_at, manifest)
select 1, 1, sha256, 9, 1, cast(
  '{"description":{"name":"work","description":"","input_schema":null,"output_schema":null,"limits":{"fuel":null,"memory_bytes":null,"timeout_ms":null,"output_bytes":null},"max_attempts":null},"imports":[],"grants":{"http":[],"secrets":[],"env":{},"mail":false,"enqueue":[]},"limits":{"fuel":50000000000,"memory_bytes":134217728,"timeout_ms":300000,"output_bytes":1048576,"log_bytes":1048576,"file_bytes":16777216,"host_calls":100000,"http_requests":1000,"http_bytes":67108864}}' as blob)
from components;
insert into queues (namespace, name) values ('default', 'default');
insert into jobs (id, task_version_id, queue_id, priority, max_attempts, timeout_ms, payload, run_at, created_at)
select unhex('0189000000007000800000000000000' || value), 1, 1, 5, 5, 1500, x'7b7d', 1, 1 from json_each('[1, 2, 3]');
insert into host_sessions (name, address, version, slots, started_at, lease_until)
values ('a', 'http://a:7710', '0.1.0', 8, 1, (unixepoch() + 600) * 1000);
insert into attempts (job_id, number, session, started_at, finished_at, outcome, final, result, fuel, peak_memory_bytes,
                      wall_us, host_call_us)
values (x'01890000000070008000000000000001', 1, 1, 1, 2, 'succeeded', 1, x'7b7d', 12, 65536, 345, 6);
insert into job_queue (job_id, queue_id, priority, attempt, cancel_requested, session, run_at, claimed_at)
values (x'01890000000070008000000000000002', 1, 5, 1, 1, 1, 1, 1);
insert into job_queue (job_id, queue_id, priority, run_at) values (x'01890000000070008000000000000003', 1, 5, 1);

-- What the first release left behind, by its own schema: a job that ended, one that runs and is to be cancelled, and one
-- that waits.
insert into components (sha256, bytes) values (sha256('component'), 'component');
insert into tasks (namespace, name, active_version) values ('default', 'work', 1);
insert into task_versions (task_id, version, sha256, size_bytes, manifest) values (1, 1, sha256('component'), 9, convert_to(
  '{"description":{"name":"work","description":"","input_schema":null,"output_schema":null,"limits":{"fuel":null,"memory_bytes":null,"timeout_ms":null,"output_bytes":null},"max_attempts":null},"imports":[],"grants":{"http":[],"secrets":[],"env":{},"mail":false,"enqueue":[]},"limits":{"fuel":50000000000,"memory_bytes":134217728,"timeout_ms":300000,"output_bytes":1048576,"log_bytes":1048576,"file_bytes":16777216,"host_calls":100000,"http_requests":1000,"http_bytes":67108864}}', 'UTF8'));
insert into queues (namespace, name) values ('default', 'default');
insert into jobs (id, task_version_id, queue_id, priority, max_attempts, timeout_ms, payload, run_at)
select ('01890000-0000-7000-8000-00000000000' || n)::uuid, 1, 1, 5, 5, 1500, '{}', now() from generate_series(1, 3) n;
insert into host_sessions (name, address, version, slots, lease_until)
values ('a', 'http://a:7710', '0.1.0', 8, now() + interval '10 minutes');
insert into attempts (job_id, number, session, started_at, outcome, final, result, fuel, peak_memory_bytes, wall_us, host_call_us)
values ('01890000-0000-7000-8000-000000000001', 1, 1, now(), 'succeeded', true, '{}', 12, 65536, 345, 6);
insert into job_queue (job_id, queue_id, priority, attempt, cancel_requested, session, run_at, claimed_at)
values ('01890000-0000-7000-8000-000000000002', 1, 5, 1, true, 1, now(), now());
insert into job_queue (job_id, queue_id, priority, run_at) values ('01890000-0000-7000-8000-000000000003', 1, 5, now());

update job_queue
set session = null, claimed_at = null, cancel_requested = 0, cancel_at = null,
    run_at = ?2 + (e.value ->> 'wait_ms'), failures = failures + (e.value ->> 'failures'),
    losses = losses + (e.value ->> 'losses')
from jsonb_each(?1) e
where job_queue.job_id = unhex(e.value ->> 'job') and not (e.value ->> 'final')

update schedules
set seq = seq + 1, state = e.value ->> 'state', reason = e.value ->> 'reason', next_at = e.value ->> 'next_at',
    look_at = e.value ->> 'look_at', pending = e.value ->> 'pending', open_jobs = e.value ->> 'open',
    deleted_at = case when e.value ->> 'delete' then ?2 end
from jsonb_each(?1) e
where schedules.id = e.value ->> 'id'

insert into schedule_skips (schedule_id, from_instant, until_instant, count, kind, reason, detail, skipped_at)
select e.value ->> 'schedule', e.value ->> 'from', e.value ->> 'until', e.value ->> 'count', e.value ->> 'kind',
       e.value ->> 'reason', e.value ->> 'detail', ?2
from jsonb_each(?1) e

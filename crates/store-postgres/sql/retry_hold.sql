-- They stay locked: only a retry revives jobs that have ended, and of each only one is under way. Locked in order, so
-- that two who retry the same jobs do not deadlock.
select id from jobs where id = any($1::uuid[]) order by id for update

-- Along the index of names. The task of a schedule is what its spec begins with, which is compared as bytes: so one
-- that is no JSON keeps no other from being found.
select c.id as "id!", c.namespace as "namespace!", c.name as "name!", c.spec as "spec!", c.payload as "payload!",
       c.seq as "seq!", c.state as "state!", c.reason as "reason?", c.next_at as "next_at?", c.look_at as "look_at?",
       c.pending as "pending?",
       case when cardinality(c.open_jobs) > 0 then array(
         select o.id from unnest(c.open_jobs) with ordinality as o (id, place)
         where exists (select from job_queue q where q.job_id = o.id)
         order by o.place) else '{}' end as "open!",
       l.instant as "last_instant?", l.job_id as "last_job?", l.fired_at as "last_fired_at?",
       c.created_at as "created_at!", c.updated_at as "updated_at!"
from (
  select c.*
  from schedules c
  where c.namespace = $1 and c.name > $2 and c.deleted_at is null
    and (cardinality($3::text[]) = 0 or c.state = any($3::text[]))
    and ($4::bytea is null
         or (substr(c.spec, 1, octet_length($4)) = $4 and substr(c.spec, octet_length($4) + 1, 1) in ('"', '@')))
  order by c.name
  limit $5) c
left join lateral (
  select f.instant, f.job_id, f.fired_at
  from schedule_fires f
  where f.schedule_id = c.id
  order by f.instant desc
  limit 1) l on true
order by c.name

-- Along the index of what is to be looked at: it costs what is due, not what there is. Without anything due there is one
-- row, which has the clock only; and where nothing is open the queue is not looked at, by whatever plan.
select n.now as "now!", c.id as "id?", c.namespace as "namespace?", c.name as "name?", c.spec as "spec?",
       c.payload as "payload?", c.seq as "seq?", c.state as "state?", c.reason as "reason?", c.next_at as "next_at?",
       c.look_at as "look_at?", c.pending as "pending?",
       case when cardinality(c.open_jobs) > 0 then array(
         select o.id from unnest(c.open_jobs) with ordinality as o (id, place)
         where exists (select from job_queue q where q.job_id = o.id)
         order by o.place) else '{}' end as "open!",
       l.instant as "last_instant?", l.job_id as "last_job?", l.fired_at as "last_fired_at?",
       c.created_at as "created_at?", c.updated_at as "updated_at?"
from (select now() as now) n
left join (
  select c.*
  from schedules c
  where c.look_at <= now()
  order by c.look_at
  limit $1) c on true
left join lateral (
  select f.instant, f.job_id, f.fired_at
  from schedule_fires f
  where f.schedule_id = c.id
  order by f.instant desc
  limit 1) l on true
order by c.look_at

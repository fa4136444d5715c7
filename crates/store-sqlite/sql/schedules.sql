-- Of these ids, in their order. What cannot be taken apart is null: one such row must not keep the others waiting.
select c.id as "id!: i64", c.namespace as "namespace!: String", c.name as "name!: String", c.spec as "spec!: Vec<u8>",
       c.payload as "payload!: Vec<u8>", c.seq as "seq!: i64", c.state as "state!: String", c.reason as "reason?: String",
       c.next_at as "next_at?: i64", c.look_at as "look_at?: i64", c.pending as "pending?: String",
       case when json_valid(c.open_jobs) then (
         select json_group_array(o.value order by o.key) from json_each(c.open_jobs) o
         where exists (select 1 from job_queue q where q.job_id = unhex(o.value)))
       end as "open?: String",
       l.instant as "last_instant?: i64", l.job_id as "last_job?: Uuid", l.fired_at as "last_fired_at?: i64",
       c.created_at as "created_at!: i64", c.updated_at as "updated_at!: i64"
from json_each(?1) w
cross join schedules c on c.id = w.value
left join schedule_fires l
  on l.schedule_id = c.id
  and l.instant = (select max(n.instant) from schedule_fires n where n.schedule_id = c.id)
order by w.key

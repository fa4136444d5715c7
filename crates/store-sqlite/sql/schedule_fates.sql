select f.instant as "instant!: i64", f.kind as "kind!: String", f.fired_at as "recorded_at!: i64",
       f.job_id as "job?: Uuid", null as "until?: i64", null as "count?: i64", null as "reason?: String",
       null as "detail?: String"
from schedule_fires f
where f.schedule_id = ?1 and f.instant < ?2
union all
select k.from_instant, k.kind, k.skipped_at, null, k.until_instant, k.count, k.reason, k.detail
from schedule_skips k
where k.schedule_id = ?1 and k.from_instant < ?2
order by 1 desc, 3 desc
limit ?3

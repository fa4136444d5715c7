select v.id as "id!: i64", t.namespace as "namespace!: String", t.name as "task!: String",
       v.version as "version!: i64", v.sha256 as "sha256!: Vec<u8>", v.size_bytes as "size_bytes!: i64",
       v.manifest as "manifest!: Vec<u8>", v.created_at as "created_at!: i64",
       v.id is t.active_version as "active!: bool"
from task_versions v
join tasks t on t.id = v.task_id
where t.namespace = ?1 and t.name = ?2
  and case
        when ?3 is not null then v.version = ?3
        when ?4 is not null then lower(hex(v.sha256)) glob ?4 || '*'
        else v.id = t.active_version
      end
order by v.version desc
limit 1

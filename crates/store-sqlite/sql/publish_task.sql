insert into tasks (namespace, name) values (?1, ?2)
on conflict (namespace, name) do update set name = excluded.name
returning id as "id!: i64"

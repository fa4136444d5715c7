-- Holds the task until the commit, so that its versions are numbered without gaps.
insert into tasks (namespace, name) values ($1, $2)
on conflict (namespace, name) do update set name = excluded.name
returning id

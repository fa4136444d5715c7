-- One that somebody else makes at the same time is not answered; whoever asks again finds it.
with asked as (
  select distinct a.namespace, a.name from unnest($1::text[], $2::text[]) as a (namespace, name)
),
made as (
  insert into queues (namespace, name)
  select a.namespace, a.name
  from asked a
  where not exists (select from queues q where q.namespace = a.namespace and q.name = a.name)
  order by a.namespace, a.name
  on conflict (namespace, name) do nothing
  returning id, namespace, name
)
select id as "id!", namespace as "namespace!", name as "name!" from made
union all
select q.id, q.namespace, q.name from queues q join asked a on a.namespace = q.namespace and a.name = q.name

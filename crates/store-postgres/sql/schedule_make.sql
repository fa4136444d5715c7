-- Nothing is answered when the name is in use.
insert into schedules (namespace, name, spec, payload, state, reason, next_at, look_at, pending, open_jobs)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (namespace, name) where deleted_at is null do nothing
returning id as "id!", namespace as "namespace!", name as "name!", spec as "spec!", payload as "payload!", seq as "seq!",
          state as "state!", reason as "reason?", next_at as "next_at?", look_at as "look_at?", pending as "pending?",
          open_jobs as "open!", null::timestamptz as "last_instant?", null::uuid as "last_job?",
          null::timestamptz as "last_fired_at?", created_at as "created_at!", updated_at as "updated_at!"

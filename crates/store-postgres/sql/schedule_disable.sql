update schedules set seq = seq + 1, state = 'disabled', reason = $3, look_at = null
where id = $1 and seq = $2 and deleted_at is null

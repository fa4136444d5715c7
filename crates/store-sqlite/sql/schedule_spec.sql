update schedules set spec = ?2, payload = ?3, updated_at = ?4 where id = ?1

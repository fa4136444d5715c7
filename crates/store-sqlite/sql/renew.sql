update leader set expires_at = ?4, address = ?5
where name = 'scheduler' and holder = ?1 and term = ?2 and expires_at > ?3

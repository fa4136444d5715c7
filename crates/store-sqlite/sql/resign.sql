update leader set holder = '', expires_at = ?3 where name = 'scheduler' and holder = ?1 and term = ?2

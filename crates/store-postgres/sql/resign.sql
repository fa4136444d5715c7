update leader set holder = '', expires_at = now() where name = 'scheduler' and holder = $1 and term = $2

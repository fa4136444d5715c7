select cast(round(unixepoch('subsec') * 1000) as integer) as "now!: i64"

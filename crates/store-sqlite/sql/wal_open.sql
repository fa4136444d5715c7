-- Any read will do.
select 1 from sqlite_schema limit 1

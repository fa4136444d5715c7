select count(*) as "tables!: i64" from sqlite_schema where type = 'table' and name = '_sqlx_migrations'

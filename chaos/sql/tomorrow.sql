-- What a newer release might add, and its mark: columns, a table and an index, on tables that are in use.
begin;
set local lock_timeout = '2s';
alter table jobs add column tomorrow text;
alter table attempts add column tomorrow text;
alter table job_queue add column tomorrow timestamptz;
alter table host_sessions add column tomorrow text;
alter table leader add column tomorrow text;
create table tomorrow (id bigint primary key);
create index attempts_tomorrow on attempts (tomorrow) where tomorrow is not null;
insert into _sqlx_migrations (version, description, success, checksum, execution_time)
values (9000, 'of tomorrow', true, '', 0);
commit;

-- Takes back what tomorrow.sql made.
begin;
set local lock_timeout = '2s';
delete from _sqlx_migrations where version = 9000;
drop table tomorrow;
alter table leader drop column tomorrow;
alter table host_sessions drop column tomorrow;
alter table job_queue drop column tomorrow;
alter table attempts drop column tomorrow;
alter table jobs drop column tomorrow;
commit;

-- Takes back what audit.sql made.
drop trigger audit_row on leader;
drop trigger audit_row on host_sessions;
drop trigger audit_row on jobs;
drop trigger audit_row on job_queue;
drop trigger audit_row on job_ends;
drop trigger audit_row on attempts;
drop function audit_row();
drop table audit;
drop role audited_0;
drop role audited_1;

-- Notes each row that a role `audited_…` changes, but for signs of life.
create table audit (who text not null, what text not null, at timestamptz not null default clock_timestamp());
create role audited_0 superuser login;
create role audited_1 superuser login;

create function audit_row() returns trigger language plpgsql as $$
begin
  if session_user like 'audited%' then
    insert into audit (who, what) values (session_user, tg_op || ' ' || tg_table_name);
  end if;
  return null;
end $$;

create trigger audit_row after insert or update or delete on leader for each row execute function audit_row();
create trigger audit_row after insert or update or delete on host_sessions for each row execute function audit_row();
create trigger audit_row after insert or update or delete on jobs for each row execute function audit_row();
create trigger audit_row after insert or update or delete on job_queue for each row execute function audit_row();
create trigger audit_row after insert or update or delete on job_ends for each row execute function audit_row();
create trigger audit_row after insert or update or delete on attempts for each row execute function audit_row();

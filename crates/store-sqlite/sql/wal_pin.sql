-- To begin is not enough: what is read first is the state that stays.
begin;
select 1 from sqlite_schema limit 1;

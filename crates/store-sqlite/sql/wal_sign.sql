-- The first commit of a connection that is synced: SQLite opens and syncs the folder with it, once, and that must
-- happen before others are looked for there. What it writes is the same each time: whose file this is, "jobs".
pragma synchronous = full;
begin immediate;
pragma application_id = 1785684595;
commit;

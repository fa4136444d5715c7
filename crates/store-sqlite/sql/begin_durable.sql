-- What was answered survives the loss of power: the log is synced before the commit is acknowledged, and all
-- that relaxed transactions wrote before it with it.
pragma synchronous = full;
begin immediate;

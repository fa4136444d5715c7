-- How long a change waits for a table that somebody uses. All others wait behind it, so that it is shorter than they
-- do; whoever migrates tries again.
set lock_timeout = '2s'

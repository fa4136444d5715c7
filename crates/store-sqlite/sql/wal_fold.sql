-- As much as nobody needs any more, without waiting for anyone.
pragma wal_checkpoint(passive)

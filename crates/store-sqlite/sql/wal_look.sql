-- Looks only: busy, pages in the log, pages of them that are in the file already.
pragma wal_checkpoint(noop)

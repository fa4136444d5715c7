//! The store on SQLite, for one process on one machine.

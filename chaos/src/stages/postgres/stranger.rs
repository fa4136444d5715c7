//! Somebody else in the database: a session of `psql` that does what it is told and keeps open what it began.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::trial::Trial;

/// A session beside the system's own; it ends when dropped, and its transaction with it.
pub(super) struct Stranger {
    psql: Child,
    name: String,
}

impl Stranger {
    /// Connects, under a name that `pg_stat_activity` shows.
    pub(super) fn come(trial: &mut Trial, name: &str) -> Self {
        let psql = Command::new("psql")
            .args(["-Xq", "-d", trial.field.postgres().url()])
            .env("PGAPPNAME", name)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("psql is there");
        Self { psql, name: name.to_owned() }
    }

    /// Says a statement; whether it is done is seen in the database.
    pub(super) fn say(&mut self, sql: &str) {
        let Some(stdin) = self.psql.stdin.as_mut() else { return };
        // One that the server has ended hears nothing, and the story sees that it does nothing.
        let _ = writeln!(stdin, "{sql};").and_then(|()| stdin.flush());
    }

    /// Has nothing more to say: it ends once all is done.
    pub(super) fn leave(&mut self) {
        self.psql.stdin = None;
    }

    /// Whether it has ended: by itself, or because the server refused or ended it.
    pub(super) fn is_over(&mut self) -> bool {
        matches!(self.psql.try_wait(), Ok(Some(_)))
    }

    /// What the server runs it as; none before it has connected.
    pub(super) fn pid(&self, trial: &Trial) -> Option<u64> {
        let sql = format!("select pid from pg_stat_activity where application_name = '{}'", self.name);
        trial.field.query(&sql).first()?.parse().ok()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}

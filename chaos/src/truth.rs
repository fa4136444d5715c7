//! What the store says, read in one statement.

use history::{Job, Session, Standing, Truth};
use serde::Deserialize;

use crate::servers::Postgres;

/// A line of `truth.sql`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Row {
    Job(Job),
    Session(Session),
    Standing(Standing),
}

/// All jobs that were stored since, and everything about them.
pub(crate) fn truth(postgres: &Postgres, since_us: i64) -> Truth {
    let sql = include_str!("../sql/truth.sql").replace("{since}", &since_us.to_string());
    of_lines(postgres.query(&sql))
}

/// What such lines say.
pub(crate) fn of_lines(lines: Vec<String>) -> Truth {
    let mut truth = Truth::default();
    for line in lines {
        let row = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        match row {
            Row::Job(job) => truth.jobs.push(job),
            Row::Session(session) => truth.sessions.push(session),
            Row::Standing(standing) => truth.standing = standing,
        }
    }
    truth
}

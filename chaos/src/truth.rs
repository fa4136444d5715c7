//! What the store says, read in one statement.

use history::{Fire, Job, Session, Standing, Truth};
use serde::Deserialize;

use crate::servers::Postgres;
use crate::timetable::Kept;

/// A line of `truth.sql`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Row {
    Job(Job),
    Session(Session),
    Standing(Standing),
    Fire(Fire),
    Schedule(Box<Kept>),
}

/// All jobs that were stored since, and everything about them.
pub(crate) fn truth(postgres: &Postgres, since_us: i64) -> Truth {
    let sql = include_str!("../sql/truth.sql").replace("{since}", &since_us.to_string());
    of_lines(postgres.query(&sql), since_us)
}

/// What such lines say; schedules owe nothing from before `since_us`.
pub(crate) fn of_lines(lines: Vec<String>, since_us: i64) -> Truth {
    let mut truth = Truth::default();
    for line in lines {
        let row = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        match row {
            Row::Job(job) => truth.jobs.push(job),
            Row::Session(session) => truth.sessions.push(session),
            Row::Standing(standing) => truth.standing = standing,
            Row::Fire(fire) => truth.fires.push(fire),
            Row::Schedule(kept) => truth.schedules.extend(kept.owed(since_us)),
        }
    }
    truth
}

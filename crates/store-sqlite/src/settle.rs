//! How attempts and jobs end: one way to record it, whoever says so (the host, a closed session, a rescue).

use model::attempt::{CodeOrigin, Outcome, Stop, Usage};
use model::error::{ErrorKind, Failure};
use model::id::{JobId, Lease};
use model::job::{JobState, LogLine};
use model::retry::Next;
use serde::{Serialize, Serializer};
use sqlx::SqliteConnection;
use store::record::{EXPIRED, LOST_TOO_OFTEN};
use store::{Ended, Result};

use crate::error::fault;
use crate::json::{self, hex};
use crate::logs;
use crate::time::millis;

/// The end of an attempt whose lease is current, and what becomes of its job.
pub(crate) struct Settled<'a> {
    pub(crate) lease: Lease,
    pub(crate) outcome: Outcome,
    pub(crate) next: Next,
    pub(crate) result: Option<&'a [u8]>,
    pub(crate) failure: Option<&'a Failure>,
    pub(crate) stop: Option<Stop>,
    pub(crate) usage: Option<Usage>,
    pub(crate) lines: &'a [LogLine],
}

impl<'a> Settled<'a> {
    /// What a host reported. A job that is to be cancelled does not run again.
    pub(crate) fn reported(ended: &'a Ended, cancel_requested: bool) -> Self {
        let (outcome, next) = match ended.next {
            Next::Again(_) if cancel_requested => (Outcome::Cancelled, Next::End),
            next => (ended.outcome, next),
        };
        Self {
            lease: ended.lease,
            outcome,
            next,
            result: ended.result.as_ref().map(|result| result.as_bytes()),
            failure: ended.failure.as_ref(),
            stop: ended.stop,
            usage: Some(ended.usage),
            lines: &ended.lines,
        }
    }

    /// What nobody reported.
    pub(crate) fn unreported(
        lease: Lease,
        outcome: Outcome,
        next: Next,
        failure: Option<&'a Failure>,
    ) -> Self {
        Self { lease, outcome, next, result: None, failure, stop: None, usage: None, lines: &[] }
    }

    fn row(&self) -> Row<'a> {
        let usage = self.usage;
        Row {
            job: hex(self.lease.job),
            outcome: self.outcome.as_str(),
            is_final: self.next == Next::End,
            wait_ms: match self.next {
                Next::End => 0,
                Next::Again(wait) => millis(wait),
            },
            failures: u8::from(self.outcome == Outcome::Failed),
            losses: u8::from(self.outcome == Outcome::Lost),
            error_kind: self.failure.map(|failure| failure.kind.as_str()),
            error_message: self.failure.map(|failure| failure.message.as_str()),
            stop_reason: self.stop.map(|stop| stop.reason.as_str()),
            stop_latency_us: self.stop.map(|stop| Count(stop.latency_us)),
            fuel: usage.and_then(|usage| usage.fuel).map(Count),
            peak_memory_bytes: usage.map(|usage| Count(usage.peak_memory_bytes)),
            wall_us: usage.map(|usage| Count(usage.wall_us)),
            host_call_us: usage.map(|usage| Count(usage.host_call_us)),
            host_calls: usage.map(|usage| Count(usage.host_calls)),
            bytes_in: usage.map(|usage| Count(usage.bytes_in)),
            bytes_out: usage.map(|usage| Count(usage.bytes_out)),
            code: usage.and_then(|usage| usage.code).map(CodeOrigin::as_str),
            load_us: usage.map(|usage| Count(usage.load_us)),
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    job: String,
    outcome: &'static str,
    #[serde(rename = "final")]
    is_final: bool,
    wait_ms: i64,
    failures: u8,
    losses: u8,
    error_kind: Option<&'static str>,
    error_message: Option<&'a str>,
    stop_reason: Option<&'static str>,
    stop_latency_us: Option<Count>,
    fuel: Option<Count>,
    peak_memory_bytes: Option<Count>,
    wall_us: Option<Count>,
    host_call_us: Option<Count>,
    host_calls: Option<Count>,
    bytes_in: Option<Count>,
    bytes_out: Option<Count>,
    code: Option<&'static str>,
    load_us: Option<Count>,
}

/// A number as far as a column holds it.
struct Count(u64);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_i64(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

#[derive(Serialize)]
struct LogRow {
    job: String,
    attempt: u32,
}

/// Records ended attempts and the next state of their jobs. No job comes twice.
pub(crate) async fn record(connection: &mut SqliteConnection, now: i64, ended: &[Settled<'_>]) -> Result<()> {
    for part in json::packed(ended.iter().map(|one| (one.row(), one.result))) {
        let rows = part.rows;
        // The attempt is copied from the queue's row, so before that changes.
        sqlx::query_file!("sql/finish_attempts.sql", rows, now, part.values)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        sqlx::query_file!("sql/finish_checkpoints.sql", rows)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        sqlx::query_file!("sql/finish_end.sql", rows).execute(&mut *connection).await.map_err(fault)?;
        sqlx::query_file!("sql/finish_again.sql", rows, now)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    let logs: Vec<(LogRow, String)> = ended
        .iter()
        .flat_map(|one| {
            let row = || LogRow { job: hex(one.lease.job), attempt: one.lease.attempt };
            logs::chunks(one.lines).map(move |lines| (row(), lines))
        })
        .collect();
    for part in json::packed(logs.iter().map(|(row, lines)| (row, Some(lines.as_bytes())))) {
        sqlx::query_file!("sql/finish_logs.sql", part.rows, part.values)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

/// How a job ends without an attempt that says so.
pub(crate) struct End {
    state: JobState,
    failure: Option<(ErrorKind, &'static str)>,
}

impl End {
    pub(crate) fn cancelled() -> Self {
        Self { state: JobState::Cancelled, failure: None }
    }

    pub(crate) fn expired() -> Self {
        Self { state: JobState::Failed, failure: Some((ErrorKind::Expired, EXPIRED)) }
    }

    pub(crate) fn lost_too_often() -> Self {
        Self { state: JobState::Failed, failure: Some((ErrorKind::Lost, LOST_TOO_OFTEN)) }
    }
}

/// Records the end of jobs that stand in the queue no more.
pub(crate) async fn end_waiting(
    connection: &mut SqliteConnection,
    now: i64,
    jobs: &[JobId],
    end: &End,
) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let ids = json::ids(jobs.iter().copied());
    let kind = end.failure.map(|(kind, _)| kind.as_str());
    let message = end.failure.map(|(_, message)| message);
    sqlx::query_file!("sql/end_waiting.sql", ids, end.state.as_str(), kind, message, now)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

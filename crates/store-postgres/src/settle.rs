//! How attempts end: as their host reports it, or without a report when its session has ended.

use std::collections::{BTreeMap, HashSet};

use model::attempt::Outcome;
use model::bounds::TEXT_BYTES_MAX;
use model::error::{ErrorKind, storable_text};
use model::id::{JobId, Lease};
use model::job::JobState;
use model::retry::{Next, after_loss};
use model::units::micros;
use store::record::{LOST, LOST_TOO_OFTEN, OfferRecord, number};
use store::{Ended, Finished, Offer, Result};
use uuid::Uuid;

use crate::db::Db;
use crate::error::Told;
use crate::ids::{count, small};
use crate::logs;
use crate::session::Session;

/// Ended attempts, column by column. A place is the number of an attempt's row, from 1.
#[derive(Default)]
struct Columns {
    jobs: Vec<Uuid>,
    attempts: Vec<i32>,
    sessions: Vec<i64>,
    outcomes: Vec<String>,
    finals: Vec<bool>,
    waits_us: Vec<i64>,
    results: Vec<Option<Vec<u8>>>,
    error_kinds: Vec<Option<String>>,
    error_messages: Vec<Option<String>>,
    stop_reasons: Vec<Option<String>>,
    stop_latencies_us: Vec<Option<i64>>,
    fuels: Vec<Option<i64>>,
    peaks: Vec<i64>,
    walls_us: Vec<i64>,
    host_calls_us: Vec<i64>,
    host_calls: Vec<i64>,
    bytes_in: Vec<i64>,
    bytes_out: Vec<i64>,
    codes: Vec<Option<String>>,
    loads_us: Vec<i64>,
    log_places: Vec<i64>,
    log_lines: Vec<Vec<u8>>,
    file_places: Vec<i64>,
    file_names: Vec<String>,
    file_types: Vec<String>,
    file_bytes: Vec<Vec<u8>>,
}

impl Columns {
    fn push(&mut self, ended: &Ended) -> Result<()> {
        let (is_final, wait) = match ended.next {
            Next::End => (true, 0),
            Next::Again(wait) => (false, micros(wait)),
        };
        self.jobs.push(ended.lease.job.0);
        self.attempts.push(small(ended.lease.attempt));
        self.sessions.push(ended.lease.session.0);
        self.outcomes.push(ended.outcome.as_str().to_owned());
        self.finals.push(is_final);
        self.waits_us.push(count(wait));
        self.results.push(ended.result.as_ref().map(|result| result.as_bytes().to_vec()));
        self.error_kinds.push(ended.failure.as_ref().map(|failure| failure.kind.as_str().to_owned()));
        self.error_messages.push(ended.failure.as_ref().map(|failure| text(&failure.message)));
        self.stop_reasons.push(ended.stop.map(|stop| stop.reason.as_str().to_owned()));
        self.stop_latencies_us.push(ended.stop.map(|stop| count(stop.latency_us)));
        self.fuels.push(ended.usage.fuel.map(count));
        self.peaks.push(count(ended.usage.peak_memory_bytes));
        self.walls_us.push(count(ended.usage.wall_us));
        self.host_calls_us.push(count(ended.usage.host_call_us));
        self.host_calls.push(count(ended.usage.host_calls));
        self.bytes_in.push(count(ended.usage.bytes_in));
        self.bytes_out.push(count(ended.usage.bytes_out));
        self.codes.push(ended.usage.code.map(|code| code.as_str().to_owned()));
        self.loads_us.push(count(ended.usage.load_us));
        let place = self.jobs.len() as i64;
        for lines in logs::chunks(&ended.lines)? {
            self.log_places.push(place);
            self.log_lines.push(lines);
        }
        // Of two files of one name the later one is kept.
        let files: BTreeMap<String, _> = ended.files.iter().map(|file| (text(&file.name), file)).collect();
        for (name, file) in files {
            self.file_places.push(place);
            self.file_names.push(name);
            self.file_types.push(text(&file.media_type));
            self.file_bytes.push(file.bytes.clone());
        }
        Ok(())
    }
}

/// Guest text that the server keeps: one bad byte must not spoil a batch.
fn text(text: &str) -> String {
    storable_text(text, TEXT_BYTES_MAX)
}

/// Records the end of attempts as their host reports it, in one statement.
pub(crate) async fn finish(db: &Db, ended: &[Ended]) -> Told<Vec<Finished>> {
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    // An attempt ends once: what comes again in the batch is not sent, and stays stale.
    let mut seen: HashSet<Lease> = HashSet::new();
    let mut sent: Vec<usize> = Vec::new();
    let mut columns = Columns::default();
    for (n, one) in ended.iter().enumerate() {
        if seen.insert(one.lease) {
            sent.push(n);
            columns.push(one)?;
        }
    }
    let mut told = vec![Finished::Stale; ended.len()];
    for (place, is_final) in settle(db, &columns).await? {
        let n = usize::try_from(place - 1).ok().and_then(|row| sent.get(row));
        if let Some(answer) = n.and_then(|n| told.get_mut(*n)) {
            *answer = if is_final { Finished::Ended } else { Finished::Again };
        }
    }
    Ok(told)
}

/// The places of the attempts that were held, and whether their jobs are over.
async fn settle(db: &Db, columns: &Columns) -> Told<Vec<(i64, bool)>> {
    let query = sqlx::query_file!(
        "sql/finish.sql",
        &columns.jobs,
        &columns.attempts,
        &columns.sessions,
        &columns.outcomes,
        &columns.finals,
        &columns.waits_us,
        &columns.results as &[Option<Vec<u8>>],
        &columns.error_kinds as &[Option<String>],
        &columns.error_messages as &[Option<String>],
        &columns.stop_reasons as &[Option<String>],
        &columns.stop_latencies_us as &[Option<i64>],
        &columns.fuels as &[Option<i64>],
        &columns.peaks,
        &columns.walls_us,
        &columns.host_calls_us,
        &columns.host_calls,
        &columns.bytes_in,
        &columns.bytes_out,
        &columns.codes as &[Option<String>],
        &columns.loads_us,
        &columns.log_places,
        &columns.log_lines,
        &columns.file_places,
        &columns.file_names,
        &columns.file_types,
        &columns.file_bytes,
    );
    Ok(db.all(query).await?.into_iter().map(|row| (row.place, row.is_final)).collect())
}

/// Why attempts end that nobody reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GiveBack {
    /// Their session was closed by its host.
    Released,
    /// Their session fell silent.
    Lost,
}

/// Jobs that were taken from closed sessions.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Those that may run again.
    pub(crate) offers: Vec<Offer>,
    /// Those that ended.
    pub(crate) ended: Vec<JobId>,
}

/// What became of unreported attempts, column by column.
#[derive(Default)]
struct Unreported {
    jobs: Vec<Uuid>,
    finals: Vec<bool>,
    end_states: Vec<Option<String>>,
    end_kinds: Vec<Option<String>>,
    end_messages: Vec<Option<String>>,
}

impl Unreported {
    fn push(&mut self, job: Uuid, end: Option<(JobState, Option<(ErrorKind, &str)>)>) {
        let failure = end.and_then(|(_, failure)| failure);
        self.jobs.push(job);
        self.finals.push(end.is_some());
        self.end_states.push(end.map(|(state, _)| state.as_str().to_owned()));
        self.end_kinds.push(failure.map(|(kind, _)| kind.as_str().to_owned()));
        self.end_messages.push(failure.map(|(_, message)| message.to_owned()));
    }
}

/// Takes jobs from closed sessions, at most `limit`.
pub(crate) async fn give_back(
    tx: &mut Session,
    why: GiveBack,
    sessions: &[i64],
    limit: Option<i64>,
) -> Told<Given> {
    let mut unreported = Unreported::default();
    for held in tx.all(sqlx::query_file!("sql/held.sql", sessions, limit)).await? {
        let losses = number::<u32>("losses", held.losses)?;
        let end = if held.cancel_requested {
            Some((JobState::Cancelled, None))
        } else if why == GiveBack::Lost && after_loss(losses + 1) == Next::End {
            Some((JobState::Failed, Some((ErrorKind::Lost, LOST_TOO_OFTEN))))
        } else {
            None
        };
        unreported.push(held.job, end);
    }
    let given = if unreported.jobs.is_empty() { Given::default() } else { end(tx, why, &unreported).await? };
    tx.execute(sqlx::query_file!("sql/rescue_emptied.sql", sessions)).await?;
    Ok(given)
}

async fn end(tx: &mut Session, why: GiveBack, unreported: &Unreported) -> Told<Given> {
    let (outcome, failure) = match why {
        GiveBack::Released => (Outcome::Released, None),
        GiveBack::Lost => (Outcome::Lost, Some((ErrorKind::Lost, LOST))),
    };
    let query = sqlx::query_file_as!(
        OfferRecord,
        "sql/give_back.sql",
        &unreported.jobs,
        &unreported.finals,
        &unreported.end_states as &[Option<String>],
        &unreported.end_kinds as &[Option<String>],
        &unreported.end_messages as &[Option<String>],
        outcome.as_str(),
        failure.map(|(kind, _)| kind.as_str()),
        failure.map(|(_, message)| message),
    );
    let offers = tx.all(query).await?.into_iter().map(OfferRecord::into_offer).collect::<Result<_>>()?;
    let ended = unreported.jobs.iter().zip(&unreported.finals);
    let ended = ended.filter(|(_, is_final)| **is_final).map(|(job, _)| JobId(*job)).collect();
    Ok(Given { offers, ended })
}

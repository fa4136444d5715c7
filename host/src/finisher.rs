//! Records how attempts ended: in batches that form by themselves, again and again until the store has taken
//! them or the lease is lost.
//!
//! ```text
//! attempts ──▶ coalescer ──▶ parts of bounded size ──▶ store.finish ──▶ broker.signal (lossy, beside the way)
//!                                 ▲      │ unavailable: wait, again
//!                                 └──────┤ refused: one by one; alone and still refused: without its result
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker::{Broker, Signal};
use model::attempt::Outcome;
use model::error::{ErrorKind, Failure};
use model::id::JobId;
use model::json::Json;
use model::retry::{Ending, decide, retry_of};
use service::{Coalescer, backoff};
use store::{Ended, Finish, Finished, Store};
use tokio::sync::mpsc;

use crate::patience::patient;
use crate::session::Session;

/// Attempts recorded in one transaction at the most: where a batch stops getting cheaper a row.
const BATCH_MAX: usize = 200;

/// Bytes of results, files and lines in one transaction, a single attempt's apart: enough for a full batch of
/// ordinary ones, and it goes over the wire in well under a second.
const BATCH_BYTES: usize = 8 << 20;

/// The longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// Wake-ups that wait for the broker; more are dropped, for whoever misses one finds out from the store.
const SIGNALS_WAITING: usize = 10_000;

/// How long the broker may take for one wake-up.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(2);

/// An attempt to record.
pub(crate) struct Record {
    /// Under which session.
    pub(crate) session: Arc<Session>,
    /// How it ended.
    pub(crate) ended: Ended,
    /// How many failures counted before.
    pub(crate) failures: u32,
    /// How often the job may be tried.
    pub(crate) max_attempts: u32,
}

impl Record {
    fn bytes(&self) -> usize {
        let Ended { result, lines, files, .. } = &self.ended;
        result.as_ref().map_or(0, |result| result.as_bytes().len())
            + lines.iter().map(|line| line.text.len()).sum::<usize>()
            + files.iter().map(|file| file.bytes.len()).sum::<usize>()
    }

    /// The same attempt as a failure, without anything that the store might stumble over.
    fn stripped(&mut self, why: &store::Error) {
        let failure = Failure::new(ErrorKind::Host, format!("its outcome cannot be stored: {why}"));
        let ending = Ending::Failed { failure: failure.clone(), retry: retry_of(ErrorKind::Host) };
        self.ended.next = decide(&ending, self.failures, self.max_attempts, &mut rand::rng());
        self.ended.outcome = Outcome::Failed;
        self.ended.failure = Some(failure);
        self.ended.result = None::<Json>;
        self.ended.lines = Vec::new();
        self.ended.files = Vec::new();
    }
}

/// Records how attempts ended.
pub(crate) struct Finisher {
    records: Coalescer<Record, ()>,
    recorder: Arc<Recorder>,
}

struct Recorder {
    store: Arc<dyn Store>,
    bell: mpsc::Sender<JobId>,
    recorded: AtomicU64,
}

impl Finisher {
    /// Into this store, ringing this broker.
    pub(crate) fn start(store: Arc<dyn Store>, broker: Arc<dyn Broker>) -> Self {
        let recorder = Arc::new(Recorder { store, bell: bell(broker), recorded: AtomicU64::new(0) });
        let theirs = Arc::clone(&recorder);
        let records = Coalescer::start(BATCH_MAX, move |batch: Vec<Record>| {
            let recorder = Arc::clone(&theirs);
            async move {
                let answers = vec![(); batch.len()];
                for part in parts(batch) {
                    recorder.record(part).await;
                }
                answers
            }
        });
        Self { records, recorder }
    }

    /// Returns when the attempt is recorded, or cannot be any more.
    pub(crate) async fn finish(&self, record: Record) {
        let (lease, session) = (record.ended.lease, Arc::clone(&record.session));
        if self.records.call(record).await.is_err() {
            tracing::error!(job.id = %lease.job, attempt = lease.attempt, "the finisher broke: giving up the session");
            session.lose();
        }
    }

    /// How many attempts were recorded.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorder.recorded.load(Ordering::Relaxed)
    }
}

/// The batch in parts of bounded size.
fn parts(batch: Vec<Record>) -> Vec<Vec<Record>> {
    let mut parts: Vec<Vec<Record>> = Vec::new();
    let mut room = 0;
    for record in batch {
        let bytes = record.bytes();
        match parts.last_mut() {
            Some(part) if bytes <= room => {
                room -= bytes;
                part.push(record);
            }
            _ => {
                room = BATCH_BYTES.saturating_sub(bytes);
                parts.push(vec![record]);
            }
        }
    }
    parts
}

impl Recorder {
    async fn record(&self, part: Vec<Record>) {
        let mut rest = VecDeque::from([part]);
        let mut waits = backoff(Duration::from_millis(50), RETRY_MAX);
        let (mut failing, mut stripped) = (false, false);
        while let Some(part) = rest.pop_front() {
            let mut part = held(part).await;
            if part.is_empty() {
                continue;
            }
            let ended = part.iter().map(|record| record.ended.clone()).collect();
            match patient(self.store.finish(Finish { ended })).await {
                Ok(answers) => {
                    self.tell(&part, &answers, failing);
                    stripped = false;
                }
                Err(error) if error.is_transient() => {
                    if !std::mem::replace(&mut failing, true) {
                        let attempts = part.len();
                        tracing::warn!(%error, attempts, "outcomes wait for the store");
                    }
                    rest.push_front(part);
                    tokio::time::sleep(waits.next().unwrap_or(RETRY_MAX)).await;
                }
                Err(error) if part.len() > 1 => {
                    tracing::warn!(%error, "a batch of outcomes was refused: one by one");
                    part.into_iter().rev().for_each(|record| rest.push_front(vec![record]));
                }
                Err(error) => {
                    let lease = part[0].ended.lease;
                    tracing::error!(job.id = %lease.job, attempt = lease.attempt, %error, "an outcome cannot be stored");
                    if !std::mem::replace(&mut stripped, true) {
                        part[0].stripped(&error);
                        rest.push_front(part);
                    } else {
                        stripped = false;
                    }
                }
            }
        }
    }

    fn tell(&self, part: &[Record], answers: &[Finished], tried_before: bool) {
        for (record, answer) in part.iter().zip(answers) {
            let lease = record.ended.lease;
            match answer {
                // The try before may have reached the store although its answer did not reach us.
                Finished::Stale if tried_before => {
                    tracing::info!(job.id = %lease.job, attempt = lease.attempt, "recorded before, or lost");
                }
                Finished::Stale => {
                    tracing::warn!(job.id = %lease.job, attempt = lease.attempt, "the outcome is dropped: the attempt is not ours any more");
                    continue;
                }
                Finished::Again => {
                    self.recorded.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Finished::Ended => {
                    self.recorded.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Full: somebody will read of it in the store.
            let _ = self.bell.try_send(lease.job);
        }
    }
}

/// Those whose lease is held; waits for those in doubt.
async fn held(part: Vec<Record>) -> Vec<Record> {
    let mut held = Vec::with_capacity(part.len());
    for record in part {
        if record.session.settled().await {
            held.push(record);
        } else {
            let lease = record.ended.lease;
            tracing::warn!(job.id = %lease.job, attempt = lease.attempt, "the outcome is dropped: the lease is lost");
        }
    }
    held
}

/// Signals the ends of jobs beside the way, so that a broker that hangs holds nobody up.
fn bell(broker: Arc<dyn Broker>) -> mpsc::Sender<JobId> {
    let (bell, mut rung) = mpsc::channel(SIGNALS_WAITING);
    tokio::spawn(async move {
        let mut jobs = Vec::new();
        while rung.recv_many(&mut jobs, SIGNALS_WAITING).await > 0 {
            let signal = broker.signal(Signal::Ended(std::mem::take(&mut jobs)));
            match tokio::time::timeout(SIGNAL_PATIENCE, signal).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a wake-up is lost"),
                Err(_) => tracing::debug!("a wake-up is lost: the broker does not answer"),
            }
        }
    });
    bell
}

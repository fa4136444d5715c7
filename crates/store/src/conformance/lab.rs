//! What the facts are tried with: a fresh store, and short words for what most of them do first.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use model::attempt::{CodeOrigin, Outcome, Usage};
use model::clock::{Clock, SystemClock};
use model::error::{ErrorKind, Failure};
use model::grants::Grants;
use model::id::{Digest, JobId, Lease, SessionId, VersionId};
use model::job::{Job, JobOptions, JobState, Key, LogLevel, LogLine, NewJob};
use model::json::Json;
use model::limits::{LimitOverrides, Limits};
use model::name::{Namespace, TaskName};
use model::retry::Next;
use model::task::{Manifest, TaskDescription};

use crate::{
    Beat, Cancel, Cancelled, Claim, ClaimedJob, Due, Ended, Extend, Finish, Finished, Offer, OpenSession,
    Publish, PublishTask, Rescue, Rescued, Result, Retried, Retry, Store, Submit, Submitted,
};

/// How long a fact waits for what must come.
const DEADLINE: Duration = Duration::from_secs(15);

/// A lease that does not run out while a fact is tried, in milliseconds.
pub(super) const LONG_MS: u32 = 600_000;

/// A fresh, empty store, and what must live as long as it.
pub struct Lab {
    /// The store.
    pub store: Arc<dyn Store>,
    _guard: Box<dyn Any + Send + Sync>,
}

impl Lab {
    /// A lab around `store`, which must be empty; `guard` (a folder, a server) is kept until the end.
    pub fn new(store: impl Store + 'static, guard: impl Any + Send + Sync) -> Self {
        Self { store: Arc::new(store), _guard: Box::new(guard) }
    }

    /// Publishes `task` in `namespace` and tells the version.
    pub(super) async fn version_in(&self, namespace: &str, task: &str) -> VersionId {
        let bytes = format!("component of {task}").into_bytes();
        let publish = Publish {
            namespace: self::namespace(namespace),
            sha256: Digest::of(&bytes),
            bytes,
            tasks: vec![publish_task(task, "")],
            promote: true,
        };
        self.store.publish(publish).await.expect("publish")[0].version.id
    }

    /// Publishes the task `work` and tells the version.
    pub(super) async fn version(&self) -> VersionId {
        self.version_in("default", "work").await
    }

    pub(super) async fn try_submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>> {
        self.store.submit(Submit { jobs, parent: None }).await
    }

    pub(super) async fn submit(&self, jobs: Vec<NewJob>) -> Vec<Submitted> {
        self.try_submit(jobs).await.expect("submit")
    }

    /// Submits one plain job of `work` that is due.
    pub(super) async fn put(&self) -> JobId {
        let version = self.version().await;
        self.submit(vec![new_job(version)]).await[0].id
    }

    /// Opens a session of the host `a` with a long lease.
    pub(super) async fn host(&self) -> SessionId {
        self.store.open(open("a")).await.expect("open")
    }

    pub(super) async fn try_claim(&self, session: SessionId, jobs: &[JobId]) -> Result<Vec<ClaimedJob>> {
        self.store.claim(Claim { session, jobs: jobs.to_vec() }).await
    }

    /// Claims one job that must be claimable.
    pub(super) async fn claim(&self, session: SessionId, job: JobId) -> ClaimedJob {
        let mut claimed = self.try_claim(session, &[job]).await.expect("claim");
        assert_eq!(claimed.len(), 1, "the job is claimable");
        claimed.remove(0)
    }

    /// A job of `work` that runs under a session with a long lease.
    pub(super) async fn running(&self) -> ClaimedJob {
        let job = self.put().await;
        let session = self.host().await;
        self.claim(session, job).await
    }

    /// Finishes one attempt.
    pub(super) async fn finish(&self, ended: Ended) -> Finished {
        let told = self.store.finish(Finish { ended: vec![ended] }).await.expect("finish");
        assert_eq!(told.len(), 1, "one answer for one attempt");
        told[0]
    }

    /// A job that failed for good.
    pub(super) async fn dead(&self) -> ClaimedJob {
        let claimed = self.running().await;
        assert_eq!(self.finish(failed(claimed.lease, Next::End)).await, Finished::Ended);
        claimed
    }

    /// Cancels the jobs; those that run may go on for so long.
    pub(super) async fn cancel_all(&self, ids: &[JobId], grace_ms: u64) -> Vec<Cancelled> {
        let cancel = Cancel { namespace: Namespace::default(), ids: ids.to_vec(), grace_ms };
        self.store.cancel(cancel).await.expect("cancel")
    }

    /// Cancels one job, without a grace.
    pub(super) async fn cancel(&self, id: JobId) -> Cancelled {
        let told = self.cancel_all(&[id], 0).await;
        assert_eq!(told.len(), 1, "one answer for one job");
        told[0]
    }

    /// Lets jobs run again, as far as they ended.
    pub(super) async fn retry_all(&self, ids: &[JobId]) -> Vec<Retried> {
        let retry = Retry { namespace: Namespace::default(), ids: ids.to_vec() };
        self.store.retry(retry).await.expect("retry")
    }

    /// What a retry of one job is told.
    pub(super) async fn try_retry(&self, id: JobId) -> Retried {
        let mut told = self.retry_all(&[id]).await;
        assert_eq!(told.len(), 1, "one answer for one job");
        told.remove(0)
    }

    /// Lets a job that failed or was cancelled run again.
    pub(super) async fn retry(&self, id: JobId) -> Offer {
        match self.try_retry(id).await {
            Retried::Queued(offer) => offer,
            other => panic!("it runs again: {other:?}"),
        }
    }

    /// A sign of life of the session, which keeps a long lease.
    pub(super) async fn beat(&self, session: SessionId) -> Beat {
        self.store.extend(Extend { session, lease_ms: LONG_MS }).await.expect("extend")
    }

    /// The job in full.
    pub(super) async fn look(&self, id: JobId) -> Job {
        self.store.job(&Namespace::default(), id).await.expect("job")
    }

    pub(super) async fn state(&self, id: JobId) -> JobState {
        self.look(id).await.state
    }

    /// All that is due.
    pub(super) async fn due(&self) -> Vec<Offer> {
        self.store.due(Due { since: None, limit: 100 }).await.expect("due").0
    }

    /// The database's present instant.
    pub(super) async fn now(&self) -> DateTime<Utc> {
        self.store.due(Due { since: None, limit: 1 }).await.expect("due").1
    }

    /// Waits until the database's clock is past `instant`.
    pub(super) async fn past(&self, instant: DateTime<Utc>) {
        eventually("the database's clock goes on", || async move { self.now().await > instant }).await;
    }

    /// Lets the session's lease run out; nobody takes its jobs back yet.
    pub(super) async fn lapse(&self, session: SessionId) {
        self.store.extend(Extend { session, lease_ms: 1 }).await.expect("extend");
        let end = self.now().await + Duration::from_millis(2);
        self.past(end).await;
    }

    pub(super) async fn rescue(&self) -> Rescued {
        self.store.rescue(Rescue { limit: 1000, gone: Vec::new() }).await.expect("rescue")
    }
}

/// Asks until the answer is yes.
///
/// # Panics
/// When it is still no at the deadline.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let start = Instant::now();
    while !ask().await {
        assert!(start.elapsed() < DEADLINE, "{what}: not after {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(super) fn namespace(name: &str) -> Namespace {
    name.parse().expect("a good name")
}

pub(super) fn task(name: &str) -> TaskName {
    name.parse().expect("a good name")
}

pub(super) fn json(text: &str) -> Json {
    Json::check("payload", text.as_bytes().to_vec(), 1 << 20).expect("good JSON")
}

/// A task as it is published; `description` tells manifests apart.
pub(super) fn publish_task(name: &str, description: &str) -> PublishTask {
    let description = TaskDescription {
        name: task(name),
        description: description.to_owned(),
        input_schema: Some("{\"type\":\"object\"}".to_owned()),
        output_schema: None,
        limits: LimitOverrides::default(),
        max_attempts: Some(7),
    };
    let manifest = Manifest {
        description,
        imports: vec!["jobs:task/log@0.1.0".to_owned()],
        grants: Grants { env: BTreeMap::from([("A".to_owned(), "b".to_owned())]), ..Grants::default() },
        limits: Limits::default(),
        deterministic: false,
    };
    PublishTask { task: task(name), manifest }
}

/// A fresh id.
pub(super) fn id() -> JobId {
    JobId::generate(SystemClock.now())
}

/// Fresh ids, each made `n` milliseconds after the first one, so that they sort in this order.
pub(super) fn ids(count: i64) -> Vec<JobId> {
    let first = SystemClock.now();
    (0..count).map(|n| JobId::generate(first + chrono::Duration::milliseconds(n))).collect()
}

pub(super) fn new_job(version: VersionId) -> NewJob {
    NewJob {
        id: id(),
        namespace: Namespace::default(),
        version,
        payload: json("{\"n\":1}"),
        max_attempts: 5,
        options: JobOptions::default(),
    }
}

/// A job with options made by `change`.
pub(super) fn job_with(version: VersionId, change: impl FnOnce(&mut JobOptions)) -> NewJob {
    let mut job = new_job(version);
    change(&mut job.options);
    job
}

/// A job with the key `text`, remembered as long as the job.
pub(super) fn keyed(version: VersionId, text: &str) -> NewJob {
    job_with(version, |options| options.key = Some(Key { text: text.to_owned(), ttl: None }))
}

pub(super) fn open(name: &str) -> OpenSession {
    OpenSession {
        name: name.to_owned(),
        address: format!("http://{name}:7001"),
        version: "0.1.0".to_owned(),
        slots: 8,
        lease_ms: LONG_MS,
    }
}

fn ended(lease: Lease, outcome: Outcome, next: Next) -> Ended {
    Ended {
        lease,
        outcome,
        next,
        result: None,
        failure: None,
        stop: None,
        usage: Usage {
            fuel: Some(12),
            peak_memory_bytes: 65_536,
            wall_us: 345,
            host_call_us: 6,
            host_calls: 7,
            bytes_in: 89,
            bytes_out: 10,
            code: Some(CodeOrigin::Disk),
            load_us: 11,
        },
        lines: Vec::new(),
        files: Vec::new(),
    }
}

pub(super) fn succeeded(lease: Lease) -> Ended {
    Ended { result: Some(json("{\"ok\":true}")), ..ended(lease, Outcome::Succeeded, Next::End) }
}

pub(super) fn failed(lease: Lease, next: Next) -> Ended {
    Ended { failure: Some(Failure::new(ErrorKind::Task, "no luck")), ..ended(lease, Outcome::Failed, next) }
}

pub(super) fn released(lease: Lease) -> Ended {
    ended(lease, Outcome::Released, AT_ONCE)
}

pub(super) fn cancelled(lease: Lease) -> Ended {
    ended(lease, Outcome::Cancelled, Next::End)
}

/// The job runs again without a wait.
pub(super) const AT_ONCE: Next = Next::Again(Duration::ZERO);

pub(super) fn line(text: &str) -> LogLine {
    LogLine { at: DateTime::UNIX_EPOCH, level: LogLevel::Info, text: text.to_owned() }
}

/// The ids in order, for comparing what has none.
pub(super) fn sorted(ids: impl IntoIterator<Item = JobId>) -> Vec<JobId> {
    let mut ids: Vec<JobId> = ids.into_iter().collect();
    ids.sort_unstable();
    ids
}

//! A store that fails as it is told: before a verb has its effect, or after it, so that only the answer is lost.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::id::{Digest, JobId, Lease, ScheduleId, SessionId, VersionId};
use model::job::{FileInfo, Job, LogLine, OutputFile};
use model::name::{Namespace, ScheduleName, TaskName};
use model::schedule::{Fate, Schedule};
use model::task::{TaskRef, TaskVersion};
use store::{
    Attempts, Beat, Cancel, Cancelled, Claim, ClaimedJob, Components, Count, Due, Elect, Error, Extend,
    Finish, Finished, HostSession, JobFilter, JobPage, Jobs, Leader, Offer, OpenSession, Plans, Publish,
    Published, QueueDepth, Report, Rescue, Rescued, Result, Retried, Retry, Schedules, StateOf, Submit,
    Submitted, TaskInfo, Term, Terms,
};
use store_sqlite::SqliteStore;
use tokio::sync::Notify;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Without an effect.
    Before,
    /// With its effect: only the answer is lost.
    After,
    /// By never answering.
    Silence,
    /// By waiting for [`Faulty::let_go`].
    Held,
    /// For good: the store cannot take what it was given, if that are several or has a result.
    Poison,
}

/// A real store that can fail.
pub(crate) struct Faulty {
    inner: SqliteStore,
    away: Mutex<bool>,
    faults: Mutex<HashMap<&'static str, Vec<Fault>>>,
    held: Notify,
    calls: Mutex<HashMap<&'static str, usize>>,
}

impl Faulty {
    pub(crate) fn over(inner: SqliteStore) -> Self {
        let (away, faults, held, calls) =
            (Mutex::default(), Mutex::default(), Notify::new(), Mutex::default());
        Self { inner, away, faults, held, calls }
    }

    /// The next calls of a host's verb fail so, in this order.
    pub(crate) fn fail(&self, verb: &'static str, faults: &[Fault]) {
        self.faults.lock().expect("unpoisoned").entry(verb).or_default().extend(faults);
    }

    /// Lets one call go on that was held, or will be.
    pub(crate) fn let_go(&self) {
        self.held.notify_one();
    }

    /// Whether no verb of a host answers.
    pub(crate) fn set_away(&self, away: bool) {
        *self.away.lock().expect("unpoisoned") = away;
    }

    /// How often a host's verb was called.
    pub(crate) fn calls(&self, verb: &'static str) -> usize {
        self.calls.lock().expect("unpoisoned").get(verb).copied().unwrap_or(0)
    }

    /// The store itself, for looking.
    pub(crate) fn inner(&self) -> &SqliteStore {
        &self.inner
    }

    fn fault(&self, verb: &'static str) -> Option<Fault> {
        *self.calls.lock().expect("unpoisoned").entry(verb).or_default() += 1;
        if *self.away.lock().expect("unpoisoned") {
            return Some(Fault::Before);
        }
        let mut faults = self.faults.lock().expect("unpoisoned");
        faults.get_mut(verb).filter(|left| !left.is_empty()).map(|left| left.remove(0))
    }

    async fn through<T>(&self, verb: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        let unavailable = || Error::Unavailable { why: "as the test says".to_owned() };
        match self.fault(verb) {
            None => call.await,
            Some(Fault::Before) => Err(unavailable()),
            Some(Fault::Silence) => std::future::pending().await,
            Some(Fault::Held) => {
                self.held.notified().await;
                call.await
            }
            Some(Fault::After) => {
                call.await?;
                Err(unavailable())
            }
            Some(Fault::Poison) => Err(Error::Corrupt { why: "as the test says".to_owned() }),
        }
    }
}

#[async_trait]
impl Attempts for Faulty {
    async fn open(&self, open: OpenSession) -> Result<SessionId> {
        self.through("open", self.inner.open(open)).await
    }
    async fn extend(&self, extend: Extend) -> Result<Beat> {
        self.through("extend", self.inner.extend(extend)).await
    }
    async fn claim(&self, claim: Claim) -> Result<Vec<ClaimedJob>> {
        self.through("claim", self.inner.claim(claim)).await
    }
    async fn report(&self, report: Report) -> Result<()> {
        self.through("report", self.inner.report(report)).await
    }
    async fn finish(&self, finish: Finish) -> Result<Vec<Finished>> {
        self.through("finish", self.inner.finish(finish)).await
    }
    async fn holds(&self, lease: Lease) -> Result<bool> {
        self.through("holds", self.inner.holds(lease)).await
    }
    async fn close(&self, session: SessionId) -> Result<()> {
        self.through("close", self.inner.close(session)).await
    }
    async fn drain(&self, session: SessionId) -> Result<()> {
        self.through("drain", self.inner.drain(session)).await
    }
    async fn hosts(&self) -> Result<Vec<HostSession>> {
        self.through("hosts", self.inner.hosts()).await
    }
}

#[async_trait]
impl Jobs for Faulty {
    async fn submit(&self, submit: Submit) -> Result<Vec<Submitted>> {
        self.through("submit", self.inner.submit(submit)).await
    }
    async fn job(&self, namespace: &Namespace, id: JobId) -> Result<Job> {
        self.inner.job(namespace, id).await
    }
    async fn jobs_with_prefix(&self, namespace: &Namespace, prefix: &str, limit: u32) -> Result<Vec<JobId>> {
        self.inner.jobs_with_prefix(namespace, prefix, limit).await
    }
    async fn jobs(&self, filter: JobFilter) -> Result<JobPage> {
        self.inner.jobs(filter).await
    }
    async fn states(&self, ids: &[JobId]) -> Result<Vec<StateOf>> {
        self.inner.states(ids).await
    }
    async fn cancel(&self, cancel: Cancel) -> Result<Vec<Cancelled>> {
        self.inner.cancel(cancel).await
    }
    async fn count(&self, filter: JobFilter) -> Result<Count> {
        self.inner.count(filter).await
    }
    async fn retry(&self, retry: Retry) -> Result<Vec<Retried>> {
        self.inner.retry(retry).await
    }
    async fn logs(&self, id: JobId, after: i64, limit: u32) -> Result<(Vec<(u32, LogLine)>, i64)> {
        self.inner.logs(id, after, limit).await
    }
    async fn files(&self, id: JobId) -> Result<Vec<FileInfo>> {
        self.inner.files(id).await
    }
    async fn file(&self, id: JobId, name: &str) -> Result<OutputFile> {
        self.inner.file(id, name).await
    }
}

#[async_trait]
impl Plans for Faulty {
    async fn due(&self, due: Due) -> Result<(Vec<Offer>, DateTime<Utc>)> {
        self.inner.due(due).await
    }
    async fn rescue(&self, rescue: Rescue) -> Result<Rescued> {
        self.inner.rescue(rescue).await
    }
    async fn sessions(&self) -> Result<Vec<store::OpenedSession>> {
        self.inner.sessions().await
    }
    async fn long_transactions(&self, older_than_ms: u32) -> Result<Vec<store::LongTransaction>> {
        self.inner.long_transactions(older_than_ms).await
    }
    async fn depths(&self) -> Result<Vec<QueueDepth>> {
        self.inner.depths().await
    }
}

#[async_trait]
impl Schedules for Faulty {
    async fn create_schedule(&self, new: store::NewSchedule) -> Result<store::Made> {
        self.inner.create_schedule(new).await
    }
    async fn schedule(&self, namespace: &Namespace, name: &ScheduleName) -> Result<Schedule> {
        self.inner.schedule(namespace, name).await
    }
    async fn schedules(&self, filter: store::ScheduleFilter) -> Result<store::SchedulePage> {
        self.inner.schedules(filter).await
    }
    async fn due_schedules(&self, limit: u32) -> Result<store::DueSchedules> {
        self.inner.due_schedules(limit).await
    }
    async fn change_schedules(
        &self,
        changes: Vec<store::ScheduleChange>,
    ) -> Result<Vec<store::ScheduleChanged>> {
        self.inner.change_schedules(changes).await
    }
    async fn disable_schedule(&self, id: ScheduleId, seq: i64, reason: &str) -> Result<bool> {
        self.inner.disable_schedule(id, seq, reason).await
    }
    async fn fates(&self, filter: store::FateFilter) -> Result<Vec<Fate>> {
        self.inner.fates(filter).await
    }
    async fn fired(
        &self,
        schedule: ScheduleId,
        instants: &[DateTime<Utc>],
    ) -> Result<Vec<(DateTime<Utc>, JobId)>> {
        self.inner.fired(schedule, instants).await
    }
}

#[async_trait]
impl Terms for Faulty {
    async fn elect(&self, elect: Elect) -> Result<Option<Term>> {
        self.inner.elect(elect).await
    }
    async fn renew(&self, elect: Elect, term: Term) -> Result<bool> {
        self.inner.renew(elect, term).await
    }
    async fn resign(&self, holder: &str, term: Term) -> Result<()> {
        self.inner.resign(holder, term).await
    }
    async fn leader(&self) -> Result<Option<Leader>> {
        self.inner.leader().await
    }
    async fn schedulers(&self, within_ms: u32) -> Result<Vec<(String, String)>> {
        self.inner.schedulers(within_ms).await
    }
}

#[async_trait]
impl Components for Faulty {
    async fn publish(&self, publish: Publish) -> Result<Vec<Published>> {
        self.inner.publish(publish).await
    }
    async fn component(&self, sha256: Digest) -> Result<Vec<u8>> {
        self.inner.component(sha256).await
    }
    async fn resolve(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion> {
        self.inner.resolve(namespace, task).await
    }
    async fn version(&self, id: VersionId) -> Result<TaskVersion> {
        self.through("version", self.inner.version(id)).await
    }
    async fn tasks(&self, namespace: &Namespace) -> Result<Vec<TaskInfo>> {
        self.inner.tasks(namespace).await
    }
    async fn versions(&self, namespace: &Namespace, task: &TaskName) -> Result<Vec<TaskVersion>> {
        self.inner.versions(namespace, task).await
    }
    async fn promote(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion> {
        self.inner.promote(namespace, task).await
    }
}

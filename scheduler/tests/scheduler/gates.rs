//! A store and a broker that can be cut off, around real ones.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use broker::{Broker, MemoryBroker, Queues, Reference, Signal, Take};
use chrono::{DateTime, Utc};
use model::id::{Digest, JobId, Lease, ScheduleId, SessionId, VersionId};
use model::job::{FileInfo, Job, LogLine, OutputFile};
use model::name::{Namespace, QueueKey, ScheduleName, TaskName};
use model::schedule::{Fate, Schedule};
use model::task::{TaskRef, TaskVersion};
use store::{
    Beat, BrokenSchedule, Cancel, Cancelled, Claim, ClaimedJob, Count, Due, DueSchedules, Elect, Extend,
    FateFilter, Finish, Finished, HostSession, JobFilter, JobPage, Leader, Made, NewSchedule, Offer,
    OpenSession, Publish, Published, QueueDepth, Report, Rescue, Rescued, Retried, Retry, ScheduleChange,
    ScheduleChanged, ScheduleFilter, SchedulePage, StateOf, Store, Submit, Submitted, TaskInfo, Term,
};
use tokio::sync::{broadcast, watch};

/// A store as one replica sees it.
pub(crate) struct GatedStore {
    inner: Arc<dyn Store>,
    open: watch::Sender<bool>,
    hanging: Mutex<Vec<&'static str>>,
    /// Whether it says what is due.
    pub(crate) due: AtomicBool,
    /// Whether whoever asks what is due panics.
    pub(crate) due_panics: AtomicBool,
    /// Schedules that make no sense when they are due.
    pub(crate) broken: Mutex<Vec<ScheduleId>>,
    /// Schedules that no change of the leader goes through for, nor for others beside them.
    pub(crate) stuck: Mutex<Vec<ScheduleId>>,
}

impl GatedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            open: watch::Sender::new(true),
            hanging: Mutex::default(),
            due: AtomicBool::new(true),
            due_panics: AtomicBool::new(false),
            broken: Mutex::default(),
            stuck: Mutex::default(),
        })
    }

    /// While it is shut, calls hang.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// Whether a call of `verb` hung or hangs.
    pub(crate) fn has_held_up(&self, verb: &str) -> bool {
        self.hanging.lock().expect("nobody panics while holding it").contains(&verb)
    }

    async fn pass(&self, verb: &'static str) {
        if !*self.open.borrow() {
            self.hanging.lock().expect("nobody panics while holding it").push(verb);
        }
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.expect("the sender is in self");
    }
}

macro_rules! gated {
    ($trait:path { $($verb:ident($($name:ident: $type:ty),*) -> $answer:ty;)+ }) => {
        #[async_trait]
        impl $trait for GatedStore {
            $(async fn $verb(&self, $($name: $type),*) -> store::Result<$answer> {
                self.pass(stringify!($verb)).await;
                self.inner.$verb($($name),*).await
            })+
        }
    };
}

gated!(store::Jobs {
    submit(submit: Submit) -> Vec<Submitted>;
    job(namespace: &Namespace, id: JobId) -> Job;
    jobs_with_prefix(namespace: &Namespace, prefix: &str, limit: u32) -> Vec<JobId>;
    jobs(filter: JobFilter) -> JobPage;
    states(ids: &[JobId]) -> Vec<StateOf>;
    cancel(cancel: Cancel) -> Vec<Cancelled>;
    count(filter: JobFilter) -> Count;
    retry(retry: Retry) -> Vec<Retried>;
    logs(id: JobId, after: i64, limit: u32) -> (Vec<(u32, LogLine)>, i64);
    files(id: JobId) -> Vec<FileInfo>;
    file(id: JobId, name: &str) -> OutputFile;
});

gated!(store::Attempts {
    open(open: OpenSession) -> SessionId;
    extend(extend: Extend) -> Beat;
    claim(claim: Claim) -> Vec<ClaimedJob>;
    report(report: Report) -> ();
    finish(finish: Finish) -> Vec<Finished>;
    holds(lease: Lease) -> bool;
    close(session: SessionId) -> ();
    drain(session: SessionId) -> ();
    hosts() -> Vec<HostSession>;
});

gated!(store::Terms {
    elect(elect: Elect) -> Option<Term>;
    renew(elect: Elect, term: Term) -> bool;
    resign(holder: &str, term: Term) -> ();
    leader() -> Option<Leader>;
    schedulers(within_ms: u32) -> Vec<(String, String)>;
});

#[async_trait]
impl store::Schedules for GatedStore {
    async fn create_schedule(&self, new: NewSchedule) -> store::Result<Made> {
        self.pass("create_schedule").await;
        self.inner.create_schedule(new).await
    }

    async fn schedule(&self, namespace: &Namespace, name: &ScheduleName) -> store::Result<Schedule> {
        self.pass("schedule").await;
        self.inner.schedule(namespace, name).await
    }

    async fn schedules(&self, filter: ScheduleFilter) -> store::Result<SchedulePage> {
        self.pass("schedules").await;
        self.inner.schedules(filter).await
    }

    async fn due_schedules(&self, limit: u32) -> store::Result<DueSchedules> {
        self.pass("due_schedules").await;
        let mut due = self.inner.due_schedules(limit).await?;
        let broken = self.broken.lock().expect("nobody panics while holding it");
        for one in &mut due.schedules {
            if let Ok(Schedule { id, seq, name, .. }) = one
                && broken.contains(id)
            {
                let why = "the test says so".to_owned();
                *one = Err(BrokenSchedule { id: *id, seq: *seq, name: name.to_string(), why });
            }
        }
        Ok(due)
    }

    async fn change_schedules(&self, changes: Vec<ScheduleChange>) -> store::Result<Vec<ScheduleChanged>> {
        self.pass("change_schedules").await;
        let is_stuck = {
            let stuck = self.stuck.lock().expect("nobody panics while holding it");
            changes.iter().any(|change| stuck.contains(&change.id))
        };
        if is_stuck {
            return Err(store::Error::Corrupt { why: "the test says so".to_owned() });
        }
        self.inner.change_schedules(changes).await
    }

    async fn disable_schedule(&self, id: ScheduleId, seq: i64, reason: &str) -> store::Result<bool> {
        self.pass("disable_schedule").await;
        self.inner.disable_schedule(id, seq, reason).await
    }

    async fn fates(&self, filter: FateFilter) -> store::Result<Vec<Fate>> {
        self.pass("fates").await;
        self.inner.fates(filter).await
    }

    async fn fired(
        &self,
        schedule: ScheduleId,
        instants: &[DateTime<Utc>],
    ) -> store::Result<Vec<(DateTime<Utc>, JobId)>> {
        self.pass("fired").await;
        self.inner.fired(schedule, instants).await
    }
}

gated!(store::Components {
    publish(publish: Publish) -> Vec<Published>;
    component(sha256: Digest) -> Vec<u8>;
    resolve(namespace: &Namespace, task: &TaskRef) -> TaskVersion;
    version(id: VersionId) -> TaskVersion;
    tasks(namespace: &Namespace) -> Vec<TaskInfo>;
    versions(namespace: &Namespace, task: &TaskName) -> Vec<TaskVersion>;
    promote(namespace: &Namespace, task: &TaskRef) -> TaskVersion;
});

#[async_trait]
impl store::Plans for GatedStore {
    async fn due(&self, due: Due) -> store::Result<(Vec<Offer>, DateTime<Utc>)> {
        self.pass("due").await;
        assert!(!self.due_panics.load(Ordering::Relaxed), "the test says so");
        if !self.due.load(Ordering::Relaxed) {
            return Err(store::Error::Unavailable { why: "the test says so".to_owned() });
        }
        self.inner.due(due).await
    }

    async fn rescue(&self, rescue: Rescue) -> store::Result<Rescued> {
        self.pass("rescue").await;
        self.inner.rescue(rescue).await
    }

    async fn sessions(&self) -> store::Result<Vec<store::OpenedSession>> {
        self.pass("sessions").await;
        self.inner.sessions().await
    }

    async fn long_transactions(&self, older_than_ms: u32) -> store::Result<Vec<store::LongTransaction>> {
        self.pass("long_transactions").await;
        self.inner.long_transactions(older_than_ms).await
    }

    async fn depths(&self) -> store::Result<Vec<QueueDepth>> {
        self.pass("depths").await;
        self.inner.depths().await
    }
}

/// A broker that can be down, and that can lose what it holds.
#[derive(Default)]
pub(crate) struct GatedBroker {
    inner: MemoryBroker,
    down: AtomicBool,
    generation: AtomicU64,
}

impl GatedBroker {
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// Loses everything, as a server does that was restarted empty.
    pub(crate) async fn flush(&self) {
        while !self.inner.take(all()).await.expect("it is in memory").is_empty() {}
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    fn pass(&self) -> broker::Result<()> {
        if self.down.load(Ordering::Relaxed) {
            return Err(broker::Error { why: "the test says so".to_owned() });
        }
        Ok(())
    }
}

/// Takes all that is there.
pub(crate) fn all() -> Take {
    Take { queues: Queues::All, max: 1_000, wait: Duration::ZERO }
}

#[async_trait]
impl Broker for GatedBroker {
    async fn push(&self, references: &[Reference]) -> broker::Result<()> {
        self.pass()?;
        self.inner.push(references).await
    }

    async fn take(&self, take: Take) -> broker::Result<Vec<JobId>> {
        self.pass()?;
        self.inner.take(take).await
    }

    async fn waiting(&self) -> broker::Result<Vec<(QueueKey, u64)>> {
        self.pass()?;
        self.inner.waiting().await
    }

    async fn remove(&self, queue: &QueueKey, jobs: &[JobId]) -> broker::Result<()> {
        self.pass()?;
        self.inner.remove(queue, jobs).await
    }

    async fn signal(&self, signal: Signal) -> broker::Result<()> {
        self.pass()?;
        self.inner.signal(signal).await
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.inner.signals()
    }

    async fn generation(&self) -> broker::Result<u64> {
        self.pass()?;
        Ok(self.generation.load(Ordering::Relaxed))
    }
}

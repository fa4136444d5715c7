//! Jobs that are put on a field, by clients that ask again until they are told.

mod asking;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use history::Journal;
use model::clock::{Clock as _, SystemClock};
use model::id::JobId;
use serde::Serialize;
use tokio::runtime::Handle;

use self::asking::Asking;

/// Between two looks at what came of it, each a process of psql: seldom enough to leave the processors to others.
const LOOK: Duration = Duration::from_millis(100);

/// Jobs to put on the field.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// How many.
    pub jobs: usize,
    /// How many a second; none: as fast as they are acknowledged.
    pub per_second: Option<u32>,
    /// Most jobs of one call; calls of one job and of this many take turns. 1: single calls only.
    pub batch: usize,
    /// The queue.
    pub queue: String,
    /// 1 to 9.
    pub priority: u32,
    /// Whether they carry idempotency keys.
    pub keys: Keys,
    /// When they fall due after they were stored.
    pub delay: Option<Duration>,
    /// How often each may be tried.
    pub max_attempts: u32,
    /// What each does.
    pub work: Work,
    /// How long clients ask again for a job before they give up.
    pub patience: Duration,
}

/// Idempotency keys of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// None.
    None,
    /// One for each job: its number after this text.
    Each(String),
}

/// What a job does, in this order. It is the payload of the task `touch`, but for the range of its sleep.
#[derive(Debug, Clone, Serialize)]
pub struct Work {
    /// How long it sleeps first, in milliseconds; each job by itself, evenly spread.
    #[serde(skip)]
    pub sleep_ms: RangeInclusive<u64>,
    /// How many effects: calls of the sink. With 0 the sink is not told.
    pub effects: u32,
    /// How long it sleeps before each effect but the first, in milliseconds.
    pub between_ms: u64,
    /// How long it sleeps after the last, in milliseconds.
    pub then_sleep_ms: u64,
    /// How it ends.
    pub fail: Fail,
    /// The attempt that ends well whatever `fail` says, and every one after it; 0: none does.
    pub succeed_from: u32,
    /// With [`Fail::Retry`]: when to try again, in milliseconds; none: after the usual back-off.
    pub retry_after_ms: Option<u64>,
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fail {
    /// With a result.
    None,
    /// With an error that may pass.
    Retry,
    /// With an error for good.
    Permanent,
    /// By a trap.
    Trap,
    /// By asking to end its process.
    Exit,
}

impl Default for LoadPlan {
    /// As FAULTS have it: 2,000 jobs of 50 to 200 ms with one effect, five attempts each.
    fn default() -> Self {
        Self {
            jobs: 2000,
            per_second: None,
            batch: 50,
            queue: "default".to_owned(),
            priority: 5,
            keys: Keys::None,
            delay: None,
            max_attempts: 5,
            work: Work::default(),
            patience: Duration::from_secs(120),
        }
    }
}

impl Default for Work {
    fn default() -> Self {
        Self {
            sleep_ms: 50..=200,
            effects: 1,
            between_ms: 0,
            then_sleep_ms: 0,
            fail: Fail::None,
            succeed_from: 0,
            retry_after_ms: None,
        }
    }
}

/// A load: its clients ask from the moment it is made, beside the story.
#[derive(Debug)]
pub struct Load {
    ids: Arc<[JobId]>,
    asking: Arc<Asking>,
    database: String,
    runtime: Handle,
}

impl Load {
    pub(crate) fn begin(
        plan: LoadPlan,
        servers: &[String],
        sink: String,
        database: &str,
        journal: &Journal,
        runtime: &Handle,
    ) -> Self {
        let ids: Arc<[JobId]> = (0..plan.jobs).map(|_| JobId::generate(SystemClock.now())).collect();
        let _inside = runtime.enter();
        let asking = Asking::begin(plan, Arc::clone(&ids), servers, sink, journal.clone());
        Self { ids, asking, database: database.to_owned(), runtime: runtime.clone() }
    }

    /// The ids of its jobs, in the order in which they are asked for; clients make them.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.ids.iter().map(JobId::to_string).collect()
    }

    /// How many jobs it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many of its jobs were asked for so far; all of them, unless it was stopped before.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asking.asked()
    }

    /// How many of its jobs clients were told are stored.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.asking.acknowledged()
    }

    /// Answers that were errors so far, by their codes; each was asked again if it may pass.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<String, usize> {
        self.asking.errors()
    }

    /// The longest that any call took until it was answered, well or not.
    #[must_use]
    pub fn slowest_call(&self) -> Duration {
        self.asking.slowest()
    }

    /// Asks for no more jobs than were asked for until now; those are still asked again.
    pub fn stop(&self) {
        self.asking.stop();
    }

    /// Waits until this many of its jobs are acknowledged, or nothing more is asked for.
    pub fn until_acknowledged(&self, count: usize) {
        self.runtime.block_on(self.asking.until(count));
    }

    /// Waits until nothing more is asked for: all are acknowledged, refused or given up.
    pub fn until_asked(&self) {
        self.runtime.block_on(self.asking.until_done());
    }

    /// How many of its jobs are stored and have ended, by the database.
    ///
    /// # Errors
    /// When that does not answer.
    pub fn ended(&self) -> Result<usize, String> {
        let (Some(first), Some(last)) = (self.ids.iter().min(), self.ids.iter().max()) else { return Ok(0) };
        let sql = include_str!("../sql/ended.sql");
        let sql = sql.replace("{first}", &first.to_string()).replace("{last}", &last.to_string());
        let rows = self.runtime.block_on(testkit::postgres::query(&self.database, &sql))?;
        rows.first().and_then(|row| row.parse().ok()).ok_or_else(|| format!("{rows:?}"))
    }

    /// Waits until this many of its jobs have ended; a database that does not answer is asked again.
    ///
    /// # Panics
    /// When they have not within three minutes.
    pub fn until_ended(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let ended = self.ended();
            if ended.as_ref().is_ok_and(|ended| *ended >= count) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for {count} of {} jobs to end: {ended:?}",
                self.len()
            );
            std::thread::park_timeout(LOOK);
        }
    }
}

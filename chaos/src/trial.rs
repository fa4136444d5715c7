//! What a stage gets: the field, loads, and a place for what was seen.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use history::{Event, Fault, FaultId, Hit, Journal, Line, Truth, now_us};
use rand::Rng as _;

use crate::effort::Effort;
use crate::field::Field;
use crate::load::{Load, LoadPlan};
use crate::row::Row;
use crate::settle::{self, Settled};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// How soon everything goes on once a backend is back.
const BACK: Duration = Duration::from_secs(10);

/// How long a recovery is waited for, to see that it comes at all.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(60);

/// One run of a stage.
pub struct Trial {
    /// The system.
    pub field: Field,
    /// How much of the stage.
    pub effort: Effort,
    journal: Journal,
    began: Instant,
    since_us: i64,
    faults: u32,
    jobs_wanted: usize,
    row: Row,
}

/// How much of a stage is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) effort: Effort,
    /// How many jobs the whole run lacks yet.
    pub(crate) jobs_wanted: usize,
}

impl Trial {
    /// Begins a stage on a field that is whole; `row` is the stage's.
    pub(crate) fn begin(row: Row, order: Order, mut field: Field, journal: &Journal) -> Self {
        let Order { effort, jobs_wanted } = order;
        journal.begin(row.stage);
        for member in field.members() {
            member.remember();
        }
        Self {
            field,
            effort,
            journal: journal.clone(),
            began: Instant::now(),
            since_us: now_us(),
            faults: 0,
            jobs_wanted,
            row,
        }
    }

    /// The number for this effort.
    #[must_use]
    pub fn times(&self, full: usize, short: usize) -> usize {
        if self.effort == Effort::Full { full } else { short }
    }

    /// How many jobs the whole run lacks yet.
    #[must_use]
    pub fn jobs_wanted(&self) -> usize {
        self.jobs_wanted
    }

    /// Puts a load on the field. Its clients ask beside the story, from now on.
    #[must_use]
    pub fn load(&self, plan: LoadPlan) -> Load {
        self.field.load(plan)
    }

    /// A fault begins: call it just before. It lasts until [`Self::over`], or to the end of the trial.
    pub fn fault(&mut self, name: &str, hit: Hit) -> FaultId {
        self.faults += 1;
        let fault = FaultId(self.faults);
        self.journal.record(Event::Fault(Fault { fault, name: name.to_owned(), hit }));
        fault
    }

    /// The fault is over: whoever starts now must not notice that it was.
    pub fn over(&self, fault: FaultId) {
        self.journal.record(Event::Over { fault });
    }

    /// A fault that lasts as long as `story`.
    pub fn during<T>(&mut self, name: &str, hit: Hit, story: impl FnOnce(&mut Self) -> T) -> T {
        let fault = self.fault(name, hit);
        let told = story(self);
        self.over(fault);
        told
    }

    /// Writes into the history what a client of the stage's own was told.
    pub fn record(&self, event: Event) {
        self.journal.record(event);
    }

    /// The history of this trial so far.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.journal.trial().expect("the history can be written")
    }

    /// Notes how long it took until somebody else went on.
    pub fn takeover(&mut self, took: Duration) {
        self.row.takeovers.push(took);
    }

    /// What must be. When it is not, the verdict says so and the story goes on.
    pub fn require(&mut self, condition: bool, words: impl Into<String>) {
        if !condition {
            self.row.reasons.push(words.into());
        }
    }

    /// What must not take longer. A short run judges no times.
    pub fn within(&mut self, took: Duration, limit: Duration, words: &str) {
        if self.effort == Effort::Full {
            self.require(took <= limit, format!("{words}: took {took:.2?}, and {limit:?} are allowed"));
        }
    }

    /// Something worth telling beside the verdict.
    pub fn note(&mut self, words: impl Into<String>) {
        self.row.notes.push(words.into());
    }

    /// Jobs that no load of the field counts, as those of a `jobctl dev`.
    pub fn count_jobs(&mut self, jobs: usize) {
        self.row.more_jobs += jobs;
    }

    /// Looks until `look` says yes, and returns how long that took; after `patience` it is required in vain.
    pub fn eventually(
        &mut self,
        words: &str,
        patience: Duration,
        mut look: impl FnMut(&mut Self) -> bool,
    ) -> Duration {
        let began = Instant::now();
        while !look(self) {
            if began.elapsed() >= patience {
                self.require(false, format!("waited {patience:?} in vain: {words}"));
                break;
            }
            std::thread::park_timeout(LOOK);
        }
        began.elapsed()
    }

    /// Waits until `progress` more jobs of the load have ended, which must be more than ran or were being claimed, and judges
    /// how long that took since `since`, when what was broken was well again.
    pub fn recovers(&mut self, load: &Load, progress: usize, since: Instant, words: &str) {
        let words = format!("{words}: jobs go on");
        let enough = (load.ended().unwrap_or(0) + progress).min(load.len());
        self.eventually(&words, RECOVERY_PATIENCE, |_| load.ended().is_ok_and(|ended| ended >= enough));
        let took = since.elapsed();
        self.takeover(took);
        self.within(took, BACK, &words);
    }

    /// Lets time pass, where the fault is that it does.
    pub fn pause(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
    }

    /// A moment within the range, in milliseconds.
    #[must_use]
    pub fn random_ms(&self, range_ms: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(rand::rng().random_range(range_ms))
    }

    /// Waits until all jobs of the load have ended and the field is at rest; reads the store, and checks I1 to I8 over
    /// everything that happened in this trial. What does not hold is in the verdict. Everything must be up again.
    pub fn settle(&mut self, load: Load) -> Settled {
        self.settle_all([load])
    }

    /// The same for any number of loads, or for jobs of the stage's own.
    pub fn settle_all(&mut self, loads: impl IntoIterator<Item = Load>) -> Settled {
        for load in loads {
            load.until_asked();
            let (asked, errors) = (load.asked(), load.errors());
            let given_up = asked.saturating_sub(load.acknowledged());
            if given_up > 0 {
                self.note(format!("{given_up} of {asked} jobs were not acknowledged: {errors:?}"));
            }
        }
        let rest = settle::rest(&mut self.field);
        self.require(rest.is_ok(), rest.err().unwrap_or_default());
        settle::processes(&mut self.field, &self.journal);
        let truth = self.field.truth(self.since_us);
        self.judge(truth)
    }

    /// Checks I1 to I8 over this trial by what a store said: for stages that have one of their own.
    ///
    /// # Panics
    /// When the history cannot be written.
    pub fn judge(&mut self, truth: Truth) -> Settled {
        self.journal.record(Event::Truth(truth.clone()));
        let lines = self.lines();
        let summary = history::check(&lines);
        self.row.judged(&summary);
        Settled::new(truth, summary, lines)
    }

    /// What came of it; `panic` is what the story ended with, if it did not end well.
    pub(crate) fn end(mut self, panic: Option<String>) -> (Field, Row) {
        self.row.reasons.extend(panic.map(|words| format!("the stage broke off: {words}")));
        if self.row.summary.is_none() && self.row.reasons.is_empty() {
            self.require(false, "the stage did not settle");
        }
        self.row.faults = self.faults as usize;
        self.row.took = self.began.elapsed();
        if !self.row.passed() {
            self.row.logs = settle::logs(&mut self.field);
        }
        (self.field, self.row)
    }
}

//! Fires schedules: what is due is planned, its jobs are made, and all that changes is written in one go.
//!
//! ```text
//! due ──▶ plan ──▶ make jobs ──▶ cancel what is to make room ──▶ change, in one transaction ──▶ offer
//!          │           └─ task gone ─▶ disabled        │
//!          └─ makes no sense ─▶ disabled               └─ stale: another changed it; looked at again
//! ```
//!
//! What is due is judged by the database's clock, and so is what was missed. That an instant makes one job does not
//! depend on who leads: the store sees to it. A schedule that cannot fire is disabled alone, with its reason; none
//! waits for another.

mod decide;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use broker::Reference;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use model::bounds::BATCH_JOBS_MAX;
use model::id::{JobId, ScheduleId};
use model::name::Namespace;
use model::schedule::{Schedule, ScheduleState};
use rpc::Code;
use service::{Shutdown, Ticks};
use store::ScheduleChanged;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Tools, Trust};
use crate::answer::within;
use crate::desk::reference;
use crate::runs;
use decide::{Decided, Planned, decide, parts, plan_all};

/// Between two looks at what is due: as late as a job may be.
const EVERY: Duration = Duration::from_millis(100);

/// The longest wait while the store fails, before its jitter: an instant is late by no more than that once it answers.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Schedules in one look: what is due in a busy second, and a transaction of usual length.
const BATCH: u32 = 1_000;

/// How long the store may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Tasks looked up at once.
const LOOKUPS: usize = 8;

/// Ticks in a row in which a schedule may fail alone before it is disabled.
const FAILURES_MAX: u32 = 3;

/// Fires.
pub(super) struct Firing {
    tools: Tools,
    trust: Trust,
    /// Schedules that failed alone in the last tick, and in how many before it.
    failing: Mutex<HashMap<ScheduleId, u32>>,
}

/// What a tick did.
#[derive(Default)]
struct Tally {
    due: usize,
    fired: usize,
    skipped: usize,
    stale: usize,
    /// Those that failed alone, and how.
    failed: Vec<(Schedule, String)>,
}

impl Firing {
    pub(super) fn new(tools: Tools, trust: Trust) -> Self {
        Self { tools, trust, failing: Mutex::default() }
    }

    pub(super) async fn run(&self, shutdown: &Shutdown) {
        let ticks =
            Ticks { name: "firing of schedules", period: EVERY, backoff_max: BACKOFF_MAX, wake: None };
        ticks.run(shutdown, || self.tick()).await;
    }

    async fn tick(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut tally = Tally::default();
        let done = self.batches(&mut tally).await;
        let Tally { due, fired, skipped, stale, failed } = tally;
        let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        if due > 0 {
            tracing::debug!(due, fired, skipped, stale, took_us, "schedules were due");
        }
        tracing::trace!(due, took_us, "looked for schedules that are due");
        done?;
        self.note(failed).await
    }

    /// Batches until one is not full, or holds what fails and would only be read again.
    async fn batches(&self, tally: &mut Tally) -> anyhow::Result<()> {
        while self.trust.holds() {
            let due = within(DEADLINE, self.tools.store.due_schedules(BATCH))
                .await
                .context("read which schedules are due")?;
            let (count, now) = (due.schedules.len(), due.now);
            tally.due += count;
            let mut schedules = Vec::with_capacity(count);
            for one in due.schedules {
                match one {
                    Ok(schedule) => schedules.push(schedule),
                    Err(broken) => self.disable(broken.id, broken.seq, &broken.name, &broken.why).await?,
                }
            }
            self.fire(schedules, now, tally).await?;
            if count < BATCH as usize || !tally.failed.is_empty() {
                break;
            }
        }
        Ok(())
    }

    async fn fire(
        &self,
        schedules: Vec<Schedule>,
        now: DateTime<Utc>,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        if schedules.is_empty() {
            return Ok(());
        }
        let planned =
            tokio::task::spawn_blocking(move || plan_all(schedules, now)).await.context("plan schedules")?;
        for part in parts(planned) {
            let decided = self.decide(part, now, tally).await?;
            if !self.trust.holds() {
                return Ok(());
            }
            self.cancel(&decided).await.context("cancel runs of schedules")?;
            self.write(decided, tally).await.context("change schedules")?;
        }
        Ok(())
    }

    async fn decide(
        &self,
        planned: Vec<Planned>,
        now: DateTime<Utc>,
        tally: &mut Tally,
    ) -> anyhow::Result<Vec<Decided>> {
        let mut decisions =
            futures::stream::iter(planned).map(|one| decide(&self.tools.tasks, one, now)).buffered(LOOKUPS);
        let mut decided = Vec::new();
        while let Some(decision) = decisions.next().await {
            match decision {
                Ok(one) => decided.push(one),
                Err((_, error)) if matches!(error.code, Code::Unavailable | Code::Timeout) => {
                    return Err(error).context("look up the task of a schedule");
                }
                Err((schedule, error)) => tally.failed.push((schedule, error.message)),
            }
        }
        Ok(decided)
    }

    /// Cancels what is to make room, a namespace at a time.
    async fn cancel(&self, decided: &[Decided]) -> store::Result<()> {
        let Tools { store, hosts, bell, .. } = &self.tools;
        let mut by_namespace: HashMap<&Namespace, Vec<JobId>> = HashMap::new();
        for one in decided.iter().filter(|one| !one.cancel.is_empty()) {
            by_namespace.entry(&one.schedule.namespace).or_default().extend(&one.cancel);
        }
        for (namespace, ids) in by_namespace {
            for part in ids.chunks(BATCH_JOBS_MAX) {
                runs::cancel(&**store, hosts, bell, namespace, part.to_vec()).await?;
            }
        }
        Ok(())
    }

    /// Makes the changes, all together; when that does not go, in halves, so that what fails fails alone.
    async fn write(&self, decided: Vec<Decided>, tally: &mut Tally) -> store::Result<()> {
        let mut waiting = vec![decided];
        while let Some(mut part) = waiting.pop() {
            if part.is_empty() {
                continue;
            }
            if !self.trust.holds() {
                return Ok(());
            }
            let changes = part.iter().map(|one| one.change.clone()).collect();
            match within(DEADLINE, self.tools.store.change_schedules(changes)).await {
                Ok(changed) => self.changed(&part, changed, tally).await,
                Err(error) if error.is_transient() => return Err(error),
                Err(error) if part.len() == 1 => {
                    tally.failed.extend(part.pop().map(|one| (one.schedule, error.to_string())));
                }
                Err(_) => {
                    let rest = part.split_off(part.len() / 2);
                    waiting.extend([rest, part]);
                }
            }
        }
        Ok(())
    }

    /// Tells what was changed, and offers the jobs.
    async fn changed(&self, decided: &[Decided], changed: Vec<ScheduleChanged>, tally: &mut Tally) {
        let mut offers: Vec<Reference> = Vec::new();
        for (one, changed) in decided.iter().zip(changed) {
            let ScheduleChanged::Done(jobs) = changed else {
                tally.stale += 1;
                continue;
            };
            let made = jobs.into_iter().flatten();
            tally.skipped += one.change.skips.len();
            for job in made {
                tally.fired += 1;
                offers.extend(job.offer.map(reference));
            }
            let standing = &one.change.standing;
            if standing.state == ScheduleState::Disabled && one.schedule.standing.state != standing.state {
                tell_disabled(&name(&one.schedule), standing.reason.as_deref().unwrap_or_default());
            }
        }
        // The dispatcher looks after a broken broker, and offers what is lost here.
        if !self.tools.desk.is_down()
            && let Err(error) = self.tools.desk.offer_new(offers).await
        {
            tracing::debug!(%error, "references of schedules' jobs were lost");
        }
    }

    /// Disables what failed alone too often.
    async fn note(&self, failed: Vec<(Schedule, String)>) -> anyhow::Result<()> {
        let mut failing = self.failing.lock().await;
        let mut before = std::mem::take(&mut *failing);
        for (schedule, why) in failed {
            let (name, count) = (name(&schedule), before.remove(&schedule.id).unwrap_or(0) + 1);
            failing.insert(schedule.id, count);
            if count >= FAILURES_MAX {
                self.disable(schedule.id, schedule.seq, &name, &why).await?;
            } else if count == 1 {
                tracing::warn!(
                    schedule = name,
                    error = why,
                    "schedule {name} could not be fired; it is tried again"
                );
            }
        }
        Ok(())
    }

    /// Sets a schedule aside, whatever stands in it.
    async fn disable(&self, id: ScheduleId, seq: i64, name: &str, why: &str) -> anyhow::Result<()> {
        if !self.trust.holds() {
            return Ok(());
        }
        let done = within(DEADLINE, self.tools.store.disable_schedule(id, seq, why)).await;
        if done.context("disable a schedule")? {
            tell_disabled(name, why);
        }
        Ok(())
    }
}

/// Its name with its namespace.
fn name(schedule: &Schedule) -> String {
    format!("{}/{}", schedule.namespace, schedule.name)
}

fn tell_disabled(name: &str, reason: &str) {
    tracing::warn!(schedule = name, reason, "schedule {name} is disabled: {reason}");
}

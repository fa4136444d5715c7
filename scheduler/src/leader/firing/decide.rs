//! What becomes of a schedule that is due: its plan, with the jobs made or with the reasons why there are none.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use model::error::storable_text;
use model::id::JobId;
use model::job::Start;
use model::schedule::{FireKind, Overlap, Pending, Schedule, ScheduleState, Skip, SkipReason, Standing};
use recurrence::{Plan, Recurrence};
use rpc::Error;
use store::{NewFire, ScheduleChange};

use crate::runs::{Misfit, Run, job_of};
use crate::tasks::Tasks;

/// Most jobs that are stored together: what enqueue takes.
const JOBS_MAX: usize = model::bounds::BATCH_JOBS_MAX;

/// Bytes of payloads that are stored together, about: a batch of usual ones is far below, and 16 of the longest fit.
const BYTES_MAX: usize = 16 << 20;

/// Longest reason or detail that is kept; it may quote a payload.
const REASON_BYTES_MAX: usize = 1_000;

/// A schedule that is due, and its plan; or why it can have none.
pub(super) struct Planned {
    pub(super) schedule: Schedule,
    pub(super) plan: Result<Plan, String>,
}

/// What is decided of a schedule.
pub(super) struct Decided {
    /// It as it was looked at.
    pub(super) schedule: Schedule,
    pub(super) change: ScheduleChange,
    /// Runs to cancel before the change is made.
    pub(super) cancel: Vec<JobId>,
}

/// Plans schedules, none for the sake of another. It takes processor time: not for a thread that others wait for.
pub(super) fn plan_all(schedules: Vec<Schedule>, now: DateTime<Utc>) -> Vec<Planned> {
    let planned = schedules.into_iter().map(|schedule| {
        let plan = || Recurrence::of(&schedule.spec).map(|of| recurrence::plan(&schedule, &of, now));
        let plan = match catch_unwind(AssertUnwindSafe(plan)) {
            Ok(Ok(plan)) => Ok(shortened(&schedule, plan)),
            Ok(Err(refused)) => Err(refused.to_string()),
            Err(_) => Err("working out its instants broke: a fault of the platform".to_owned()),
        };
        Planned { schedule, plan }
    });
    planned.collect()
}

/// The plan up to where its payloads become too much to be stored together; the rest is due at once again. Where runs
/// depend on each other there are few, and it stays whole.
fn shortened(schedule: &Schedule, mut plan: Plan) -> Plan {
    let most = (BYTES_MAX / schedule.payload.as_bytes().len().max(1)).max(1);
    let Some(next_at) = plan.runs.get(most).map(|run| run.instant) else { return plan };
    let clock_only = plan.runs[most..].iter().all(|run| run.kind == FireKind::Clock);
    let decided_before = plan.skips.iter().all(|skip| skip.until < next_at);
    if schedule.spec.overlap == Overlap::Allow && clock_only && decided_before {
        plan.runs.truncate(most);
        let standing = &mut plan.standing;
        (standing.state, standing.next_at, standing.look_at) =
            (schedule.standing.state, Some(next_at), Some(next_at));
    }
    plan
}

/// Schedules in parts that are stored together, in their order.
pub(super) fn parts(planned: Vec<Planned>) -> Vec<Vec<Planned>> {
    let mut parts: Vec<Vec<Planned>> = Vec::new();
    let (mut jobs, mut bytes) = (0, 0);
    for one in planned {
        let runs = one.plan.as_ref().map_or(0, |plan| plan.runs.len());
        let payloads = runs * one.schedule.payload.as_bytes().len();
        match parts.last_mut() {
            Some(part) if jobs + runs <= JOBS_MAX && bytes + payloads <= BYTES_MAX => {
                (jobs, bytes) = (jobs + runs, bytes + payloads);
                part.push(one);
            }
            _ => {
                (jobs, bytes) = (runs, payloads);
                parts.push(vec![one]);
            }
        }
    }
    parts
}

/// Makes the jobs of a plan and decides what becomes of the schedule.
///
/// # Errors
/// When it cannot be decided now: the schedule stays as it is.
pub(super) async fn decide(
    tasks: &Tasks,
    planned: Planned,
    now: DateTime<Utc>,
) -> Result<Decided, (Schedule, Error)> {
    let Planned { schedule, plan } = planned;
    let plan = match plan {
        Ok(plan) => plan,
        Err(reason) => {
            let standing = schedule.standing.clone();
            return Ok(disabled(schedule, standing, &reason, Vec::new()));
        }
    };
    let (mut fires, mut refused): (_, Vec<(Pending, String)>) =
        (Vec::with_capacity(plan.runs.len()), Vec::new());
    for run in &plan.runs {
        // A payload takes some tenths of a millisecond to check, and there may be a thousand.
        tokio::task::yield_now().await;
        let start = match run.kind {
            FireKind::Clock => Start::At(run.start_at),
            FireKind::Trigger | FireKind::Backfill => Start::Now,
        };
        let Schedule { namespace, spec, payload, .. } = &schedule;
        let one = Run { namespace, spec, payload, instant: run.instant, start, id: run.job };
        match job_of(tasks, one, now).await {
            Ok(job) => fires.push(NewFire { instant: run.instant, kind: run.kind, job }),
            Err(Misfit::Refused(error)) => refused.push((instant_of(run), error.message)),
            Err(Misfit::Gone(error)) => return Ok(gone(schedule, plan, &error.message)),
            Err(Misfit::Failed(error)) => return Err((schedule, error)),
        }
    }
    Ok(fired(schedule, plan, fires, refused))
}

fn fired(schedule: Schedule, plan: Plan, fires: Vec<NewFire>, refused: Vec<(Pending, String)>) -> Decided {
    let Plan { mut skips, mut cancel, mut standing, .. } = plan;
    if fires.is_empty() {
        // Nothing comes in the place of what goes on.
        cancel.clear();
        standing.open.clone_from(&schedule.standing.open);
    }
    skips.extend(rows(refused, SkipReason::Refused));
    let change = ScheduleChange { standing, fires, skips, ..ScheduleChange::of(&schedule) };
    Decided { schedule, change, cancel }
}

/// The task is gone: what would have run now is passed over, and nothing more is tried.
fn gone(schedule: Schedule, plan: Plan, reason: &str) -> Decided {
    let mut standing = plan.standing;
    // What goes on may end.
    standing.open.clone_from(&schedule.standing.open);
    let due = plan.runs.iter().map(instant_of).chain(std::mem::take(&mut standing.pending)).collect();
    let mut decided = disabled(schedule, standing, reason, due);
    decided.change.skips.splice(0..0, plan.skips);
    decided
}

fn instant_of(run: &recurrence::Run) -> Pending {
    Pending { instant: run.instant, kind: run.kind, job: run.job }
}

/// The schedule is disabled, and `due` and what waits is passed over.
fn disabled(schedule: Schedule, mut standing: Standing, reason: &str, mut due: Vec<Pending>) -> Decided {
    let reason = storable_text(reason, REASON_BYTES_MAX);
    due.append(&mut standing.pending);
    let skips = rows(due.into_iter().map(|instant| (instant, reason.clone())), SkipReason::Disabled);
    (standing.state, standing.look_at) = (ScheduleState::Disabled, None);
    standing.reason = Some(reason);
    let change = ScheduleChange { standing, skips, ..ScheduleChange::of(&schedule) };
    Decided { schedule, change, cancel: Vec::new() }
}

/// Instants that were passed over: those in a row for the same reason are one.
fn rows(instants: impl IntoIterator<Item = (Pending, String)>, reason: SkipReason) -> Vec<Skip> {
    let mut rows: Vec<Skip> = Vec::new();
    for (Pending { instant, kind, .. }, detail) in instants {
        let detail = Some(storable_text(&detail, REASON_BYTES_MAX));
        match rows.last_mut() {
            Some(row) if row.kind == kind && row.detail == detail && row.until < instant => {
                row.until = instant;
                row.count = row.count.map(|count| count + 1);
            }
            _ => rows.push(Skip { from: instant, until: instant, count: Some(1), kind, reason, detail }),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use model::id::ScheduleId;
    use model::json::Json;
    use model::schedule::{ScheduleSpec, Timing};
    use recurrence::Run as PlannedRun;

    use super::*;

    fn schedule(payload_bytes: usize, overlap: Overlap) -> Schedule {
        let at = DateTime::UNIX_EPOCH;
        let spec = ScheduleSpec::new("t".parse().expect("a name"), Timing::At(at));
        Schedule {
            id: ScheduleId(1),
            namespace: "default".parse().expect("a name"),
            name: "s".parse().expect("a name"),
            spec: ScheduleSpec { overlap, ..spec },
            payload: Json::trusted(vec![b' '; payload_bytes]),
            seq: 1,
            standing: standing(ScheduleState::Active),
            last: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn standing(state: ScheduleState) -> Standing {
        Standing { state, reason: None, next_at: None, look_at: None, pending: Vec::new(), open: Vec::new() }
    }

    fn instant(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn pending(second: i64, kind: FireKind) -> Pending {
        Pending { instant: instant(second), kind, job: None }
    }

    /// A plan of so many runs, a second apart, with which the schedule is at its end.
    fn plan(runs: i64) -> Plan {
        let run = |second| {
            let instant = instant(second);
            PlannedRun { instant, kind: FireKind::Clock, start_at: instant, job: None }
        };
        Plan {
            runs: (0..runs).map(run).collect(),
            skips: Vec::new(),
            cancel: Vec::new(),
            standing: standing(ScheduleState::Finished),
        }
    }

    fn planned(payload_bytes: usize, runs: i64) -> Planned {
        Planned { schedule: schedule(payload_bytes, Overlap::Allow), plan: Ok(plan(runs)) }
    }

    #[test]
    fn what_is_stored_together_is_bounded_in_jobs_and_in_bytes() {
        let sizes = |planned: Vec<Planned>| parts(planned).iter().map(Vec::len).collect::<Vec<_>>();
        let unreadable = Planned { plan: Err("no".to_owned()), ..planned(BYTES_MAX, 0) };

        assert_eq!(sizes(Vec::new()), [0; 0]);
        assert_eq!(sizes((0..1_500).map(|_| planned(2, 1)).collect()), [1_000, 500]);
        assert_eq!(sizes(vec![planned(2, 600), planned(2, 600), planned(2, 400)]), [1, 2]);
        assert_eq!(sizes((0..5).map(|_| planned(BYTES_MAX / 2, 1)).collect()), [2, 2, 1]);
        assert_eq!(sizes(vec![planned(BYTES_MAX * 2, 1), unreadable]), [1, 1]);
    }

    #[test]
    fn a_plan_whose_payloads_are_too_much_is_cut_and_goes_on_where_it_was_cut() {
        let long = BYTES_MAX / 4;

        let cut = shortened(&schedule(long, Overlap::Allow), plan(10));
        let short = shortened(&schedule(2, Overlap::Allow), plan(10));
        let depends = shortened(&schedule(long, Overlap::Queue), plan(10));

        assert_eq!(cut.runs.len(), 4);
        let Standing { state, next_at, look_at, .. } = cut.standing;
        assert_eq!((state, next_at, look_at), (ScheduleState::Active, Some(instant(4)), Some(instant(4))));
        assert_eq!((short, depends), (plan(10), plan(10)));
    }

    #[test]
    fn instants_in_a_row_that_are_passed_over_for_one_reason_are_one_row() {
        let of = |second, kind, detail: &str| (pending(second, kind), detail.to_owned());
        let instants = [
            of(1, FireKind::Clock, "a"),
            of(2, FireKind::Clock, "a"),
            of(3, FireKind::Clock, "b"),
            of(4, FireKind::Trigger, "b"),
            of(2, FireKind::Trigger, "b"),
        ];

        let rows = rows(instants, SkipReason::Refused);

        let rows: Vec<_> = rows.iter().map(|row| (row.from, row.until, row.count)).collect();
        let single = |second| (instant(second), instant(second), Some(1));
        assert_eq!(rows, [(instant(1), instant(2), Some(2)), single(3), single(4), single(2)]);
    }

    #[test]
    fn what_goes_on_is_cancelled_only_when_something_comes_in_its_place() {
        let run = JobId::generate(instant(0));
        let mut schedule = schedule(2, Overlap::Cancel);
        schedule.standing.open = vec![run];
        let plan = Plan { cancel: vec![run], ..plan(1) };
        let refused = vec![(pending(0, FireKind::Clock), "no".to_owned())];

        let decided = fired(schedule.clone(), plan.clone(), Vec::new(), refused);
        let gone = gone(schedule, plan, "no");

        for decided in [decided, gone] {
            assert!(decided.cancel.is_empty());
            assert_eq!(decided.change.standing.open, [run]);
            assert_eq!(decided.change.skips.len(), 1);
        }
    }
}

//! What must hold of all plans, by random schedules.

use super::*;
use model::schedule::MISSED_ALL_MAX;

/// Random schedules that are looked at.
const SCHEDULES: u64 = 400;

/// Looks at each of them.
const LOOKS: usize = 8;

/// A source of numbers that are the same at each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        jitter::mix(self.0) % below
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        let index = self.below(of.len() as u64);
        of[usize::try_from(index).expect("it is an index")].clone()
    }

    /// Mostly short, sometimes up to two years.
    fn time(&mut self) -> TimeDelta {
        let longest_ms =
            self.one(&[1_000_u64, 10_000, 90_000, 600_000, 7_200_000, 86_400_000, 63_072_000_000]);
        TimeDelta::milliseconds(self.below(longest_ms).cast_signed())
    }

    fn spec(&mut self) -> ScheduleSpec {
        let expression = self.one(&[
            "* * * * *",
            "*/5 9-17 * * 1-5",
            "30 2 * * *",
            "30 1,2 * * *",
            "0 0 1 * 1",
            "* * * * * *",
            "*/7 * 2 * * *",
            "0 0 29 2 *",
        ]);
        let anchor = at("2025-12-31T23:59:59.250Z");
        let timing = match self.below(4) {
            0 => Timing::Every { period_ms: 1_000 + self.below(5_000), anchor },
            1 => Timing::Every { period_ms: 1_000 + self.below(100_000_000), anchor },
            _ => Timing::Cron(expression.to_owned()),
        };
        let timezone = self.one(&["UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe"]);
        ScheduleSpec {
            timezone: timezone.to_owned(),
            missed: self.one(Missed::ALL),
            missed_after_ms: self.one(&[1_000, 60_000, 60_000, 3_600_000]),
            overlap: self.one(Overlap::ALL),
            jitter_ms: self.one(&[0, 0, 1, 5_000, 86_400_000]),
            dst_gap: self.one(model::schedule::DstGap::ALL),
            dst_overlap: self.one(model::schedule::DstOverlap::ALL),
            ends_at: self.one(&[None, None, Some(at("2026-10-01T00:00:00Z"))]),
            ..spec(timing)
        }
    }

    /// A schedule before its first instant, and an instant at which it may be looked at.
    fn schedule(&mut self) -> (Schedule, DateTime<Utc>) {
        let start = at("2026-03-25T00:00:00Z") + self.time();
        let mut schedule = schedule(self.spec(), &start.to_rfc3339());
        schedule.id = ScheduleId(self.below(1 << 40).cast_signed());
        let now = schedule.standing.next_at.unwrap_or(start) + self.time() - seconds(1);
        (schedule, now)
    }

    /// Some of its runs end, and somebody asks for one.
    fn live(&mut self, schedule: &mut Schedule, plan: Plan, now: DateTime<Utc>) {
        schedule.standing = plan.standing;
        schedule
            .standing
            .open
            .extend(plan.runs.iter().map(|run| job(run.instant.timestamp_millis().unsigned_abs())));
        if self.below(2) == 0 {
            schedule.standing.open.clear();
        }
        if self.below(4) == 0 && schedule.standing.pending.len() < PENDING_MAX {
            let job = Some(job(self.below(1 << 40))).filter(|_| self.below(2) == 0);
            schedule.standing.pending.push(Pending { instant: now, kind: FireKind::Trigger, job });
        }
        if self.below(10) == 0 && schedule.standing.state == ScheduleState::Active {
            schedule.standing.state = ScheduleState::Paused;
        }
    }
}

/// What a plan made of the instants of the clock, in their order: from, until.
fn pieces(schedule: &Schedule, plan: &Plan) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let waited = &schedule.standing.pending;
    let is_new = |instant: &DateTime<Utc>| waited.iter().all(|pending| pending.instant != *instant);
    let fired = plan.runs.iter().filter(|run| run.kind == FireKind::Clock).map(|run| run.instant);
    let waits = plan.standing.pending.iter().filter(|pending| pending.kind == FireKind::Clock);
    let single = fired.chain(waits.map(|pending| pending.instant)).filter(is_new);
    let mut pieces: Vec<_> = single.map(|instant| (instant, instant)).collect();
    pieces.extend(plan.skips.iter().map(|skip| (skip.from, skip.until)));
    pieces.sort_unstable();
    pieces
}

/// Each instant from the schedule's next one to the plan's next one is in the plan once: its pieces lie end to end.
fn nothing_is_lost_or_doubled(schedule: &Schedule, recurrence: &Recurrence, plan: &Plan, now: DateTime<Utc>) {
    let pieces = pieces(schedule, plan);
    let due = schedule.standing.next_at.filter(|next_at| *next_at <= now);
    let Some(due) = due.filter(|_| schedule.standing.state == ScheduleState::Active) else {
        assert_eq!(pieces, []);
        assert_eq!(plan.standing.next_at, schedule.standing.next_at);
        return;
    };
    let mut expected = Some(due);
    for (from, until) in pieces {
        assert_eq!(Some(from), expected);
        assert!(until >= from && until <= now);
        expected = recurrence.after(until);
    }
    assert_eq!(plan.standing.next_at, expected);
    let is_cut_off = expected.is_some_and(|next_at| next_at <= now);
    assert!(!is_cut_off || plan.runs.len() == RUNS_MAX, "something is left over without need");
    assert!(!is_cut_off || plan.standing.look_at == Some(now));
    for skip in &plan.skips {
        let counted = recurrence.between(skip.from, skip.until + TimeDelta::nanoseconds(1)).take(300).count();
        assert!(
            counted == 300 || skip.count == u32::try_from(counted).ok(),
            "{counted} are not {:?}",
            skip.count
        );
    }
}

fn its_size_is_bounded(schedule: &Schedule, plan: &Plan, now: DateTime<Utc>) {
    assert!(plan.runs.len() <= RUNS_MAX);
    assert!(plan.skips.len() <= 3, "{:?}", plan.skips);
    assert!(plan.standing.pending.len() <= PENDING_MAX);
    let missed_before = now - TimeDelta::milliseconds(schedule.spec.missed_after_ms.cast_signed());
    let made_up = pieces(schedule, plan)
        .iter()
        .filter(|(from, _)| *from < missed_before && !plan.skips.iter().any(|skip| skip.from == *from))
        .count();
    let most = match schedule.spec.missed {
        Missed::Skip => 0,
        Missed::Last => 1,
        Missed::All => MISSED_ALL_MAX,
    };
    assert!(made_up <= most, "{made_up} missed instants are made up for");
}

fn runs_meet_as_the_schedule_allows(schedule: &Schedule, plan: &Plan) {
    let was_busy = !schedule.standing.open.is_empty();
    let clock_runs = plan.runs.iter().filter(|run| run.kind == FireKind::Clock).count();
    match schedule.spec.overlap {
        Overlap::Skip | Overlap::Queue => assert!(plan.runs.len() <= usize::from(!was_busy)),
        Overlap::Cancel => assert!(clock_runs <= 1 && plan.runs.len() <= 1),
        Overlap::Allow => {}
    }
    let cancels = schedule.spec.overlap == Overlap::Cancel && clock_runs > 0 && !plan.runs.is_empty();
    assert!(plan.cancel.is_empty() || (cancels && plan.standing.open.is_empty()));
    assert!(!plan.cancel.is_empty() || plan.standing.open == schedule.standing.open);
}

fn what_waits_keeps_its_order(schedule: &Schedule, plan: &Plan) {
    let waited = &schedule.standing.pending;
    let waits = &plan.standing.pending;
    let first_fired = !waits.starts_with(waited);
    let still = &waited[usize::from(first_fired)..];
    assert!(waits.starts_with(still));
    if first_fired {
        let Run { instant, kind, job, .. } = plan.runs[0];
        assert_eq!(Pending { instant, kind, job }, waited[0]);
        assert!(schedule.standing.open.is_empty());
    }
    assert!(waits[still.len()..].iter().all(|pending| pending.kind == FireKind::Clock));
}

fn starts_are_near_their_instants(schedule: &Schedule, plan: &Plan) {
    for run in &plan.runs {
        let most_ms = if run.kind == FireKind::Clock { schedule.spec.jitter_ms.cast_signed() } else { 0 };
        let wait = run.start_at - run.instant;
        assert!((TimeDelta::zero()..=TimeDelta::milliseconds(most_ms)).contains(&wait), "{run:?}");
    }
}

/// It is looked at again when there is something to see, and not before.
fn it_is_looked_at_again(plan: &Plan, now: DateTime<Utc>) {
    let standing = &plan.standing;
    let is_active = standing.state == ScheduleState::Active;
    let clock = standing.next_at.filter(|_| is_active).map(|next_at| next_at.max(now));
    let waits = (!standing.pending.is_empty()).then(|| now + TimeDelta::milliseconds(500));
    assert_eq!(standing.look_at, clock.into_iter().chain(waits).min());
    let has_more = standing.next_at.is_some() || !standing.pending.is_empty();
    assert!(!is_active || has_more);
    assert!(standing.state != ScheduleState::Finished || standing.pending.is_empty() || !is_active);
}

#[test]
fn no_instant_is_lost_or_doubled_whatever_the_schedule_and_the_times_it_is_looked_at() {
    for seed in 0..SCHEDULES {
        let mut numbers = Numbers(seed << 32);
        let (mut schedule, mut now) = numbers.schedule();
        let recurrence = recurrence(&schedule.spec);
        for _ in 0..LOOKS {
            let plan = plan(&schedule, &recurrence, now);

            nothing_is_lost_or_doubled(&schedule, &recurrence, &plan, now);
            its_size_is_bounded(&schedule, &plan, now);
            runs_meet_as_the_schedule_allows(&schedule, &plan);
            what_waits_keeps_its_order(&schedule, &plan);
            starts_are_near_their_instants(&schedule, &plan);
            it_is_looked_at_again(&plan, now);
            assert_eq!(plan, super::plan(&schedule, &recurrence, now));
            numbers.live(&mut schedule, plan, now);
            now += numbers.time();
        }
    }
}

#[test]
fn looking_as_told_comes_to_the_end_of_what_is_due() {
    for seed in 0..SCHEDULES {
        let mut numbers = Numbers(seed << 32);
        let (mut schedule, now) = numbers.schedule();
        let recurrence = recurrence(&schedule.spec);
        let mut looks = 0;
        while schedule.standing.look_at.is_some_and(|look_at| look_at <= now) {
            let plan = plan(&schedule, &recurrence, now);
            let runs = plan.runs.len();
            schedule.standing = plan.standing;
            looks += 1;
            assert!(looks <= 5, "{:?} has {runs} runs in look {looks}", schedule.spec);
        }
        assert!(schedule.standing.next_at.is_none_or(|next_at| next_at > now));
    }
}

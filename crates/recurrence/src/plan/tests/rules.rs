//! Each rule by itself.

use super::*;

/// A schedule of each minute that nobody looked at from 10:00 to 10:30:20.
fn away(missed: Missed) -> Plan {
    let spec = ScheduleSpec { missed, ..every(60) };
    planned(&schedule(spec, "2026-03-01T10:00:00Z"), "2026-03-01T10:30:20Z")
}

/// A schedule of each second of which four instants have come.
fn four_due(overlap: Overlap, open: Vec<JobId>, pending: Vec<Pending>) -> Plan {
    let mut schedule = schedule(ScheduleSpec { overlap, ..every(1) }, "2026-03-01T10:00:00Z");
    schedule.standing.open = open;
    schedule.standing.pending = pending;
    planned(&schedule, "2026-03-01T10:00:03.500Z")
}

#[test]
fn before_its_instant_nothing_happens() {
    let schedule = schedule(every(60), "2026-03-01T10:00:00Z");

    let plan = planned(&schedule, "2026-03-01T09:59:59.999Z");

    assert!(plan.runs.is_empty() && plan.skips.is_empty() && plan.cancel.is_empty());
    assert_eq!(plan.standing, Standing { look_at: schedule.standing.next_at, ..schedule.standing });
}

#[test]
fn an_instant_fires_once_it_has_come() {
    let plan = planned(&schedule(every(60), "2026-03-01T10:00:00Z"), "2026-03-01T10:00:00Z");

    assert_eq!(instants(&plan), [at("2026-03-01T10:00:00Z")]);
    assert_eq!(plan.runs[0].start_at, at("2026-03-01T10:00:00Z"));
    assert_eq!(plan.standing.next_at, Some(at("2026-03-01T10:01:00Z")));
    assert_eq!(plan.standing.look_at, Some(at("2026-03-01T10:01:00Z")));
    assert_eq!(plan.standing.state, ScheduleState::Active);
}

#[test]
fn late_instants_fire_one_by_one_whatever_the_policy_of_missed_ones() {
    for missed in Missed::ALL {
        let schedule = schedule(ScheduleSpec { missed: *missed, ..every(1) }, "2026-03-01T10:00:00Z");

        let plan = planned(&schedule, "2026-03-01T10:01:00Z");

        assert_eq!(plan.runs.len(), 61, "{missed}");
        assert!(plan.skips.is_empty(), "{missed}");
    }
}

#[test]
fn of_missed_instants_none_fires_if_they_are_to_be_skipped() {
    let plan = away(Missed::Skip);

    let missed = skip("2026-03-01T10:00:00Z", "2026-03-01T10:29:00Z", Some(30), SkipReason::Missed);
    assert_eq!(plan.skips, [missed]);
    assert_eq!(instants(&plan), [at("2026-03-01T10:30:00Z")]);
    assert_eq!(plan.standing.next_at, Some(at("2026-03-01T10:31:00Z")));
}

#[test]
fn of_missed_instants_the_last_fires() {
    let plan = away(Missed::Last);

    let missed = skip("2026-03-01T10:00:00Z", "2026-03-01T10:28:00Z", Some(29), SkipReason::Missed);
    assert_eq!(plan.skips, [missed]);
    assert_eq!(instants(&plan), [at("2026-03-01T10:29:00Z"), at("2026-03-01T10:30:00Z")]);
}

#[test]
fn all_missed_instants_fire_in_their_order() {
    let plan = away(Missed::All);

    assert!(plan.skips.is_empty());
    assert_eq!(plan.runs.len(), 31);
    assert!(instants(&plan).is_sorted());
}

#[test]
fn of_all_missed_instants_a_hundred_fire_and_the_others_are_skipped() {
    let spec = ScheduleSpec { missed: Missed::All, ..every(3_600) };

    let plan = planned(&schedule(spec, "2026-03-01T00:00:00Z"), "2026-03-11T00:30:00Z");

    let missed = skip("2026-03-01T00:00:00Z", "2026-03-06T20:00:00Z", Some(141), SkipReason::Missed);
    assert_eq!(plan.skips, [missed]);
    assert_eq!(plan.runs.len(), 100);
    assert_eq!(plan.runs[0].instant, at("2026-03-06T21:00:00Z"));
    assert_eq!(plan.runs[99].instant, at("2026-03-11T00:00:00Z"));
}

#[test]
fn a_schedule_of_each_second_that_was_away_for_a_year_is_looked_at_like_any_other() {
    let plan = planned(&schedule(every(1), "2026-03-01T10:00:00Z"), "2027-03-01T10:00:00Z");

    let missed = skip("2026-03-01T10:00:00Z", "2027-03-01T09:58:58Z", Some(31_535_939), SkipReason::Missed);
    assert_eq!(plan.skips, [missed]);
    assert_eq!(plan.runs.len(), 62);
    assert_eq!(plan.standing.next_at, Some(at("2027-03-01T10:00:01Z")));
}

#[test]
fn what_is_late_and_what_is_missed_is_for_the_schedule_to_say() {
    let spec = ScheduleSpec { missed: Missed::Skip, missed_after_ms: 3_600_000, ..every(600) };

    let plan = planned(&schedule(spec, "2026-03-01T10:00:00Z"), "2026-03-01T11:05:00Z");

    let missed = skip("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", Some(1), SkipReason::Missed);
    assert_eq!(plan.skips, [missed]);
    assert_eq!(plan.runs.len(), 6);
}

#[test]
fn side_by_side_all_fire() {
    let plan = four_due(Overlap::Allow, vec![job(1)], Vec::new());

    assert_eq!(plan.runs.len(), 4);
    assert!(plan.cancel.is_empty());
    assert_eq!(plan.standing.open, [job(1)]);
}

#[test]
fn an_instant_that_meets_a_run_is_skipped() {
    let busy = four_due(Overlap::Skip, vec![job(1)], Vec::new());
    let idle = four_due(Overlap::Skip, Vec::new(), Vec::new());

    let all = skip("2026-03-01T10:00:00Z", "2026-03-01T10:00:03Z", Some(4), SkipReason::Overlap);
    assert_eq!(busy.skips, [all]);
    assert!(busy.runs.is_empty());
    let others = skip("2026-03-01T10:00:01Z", "2026-03-01T10:00:03Z", Some(3), SkipReason::Overlap);
    assert_eq!(idle.skips, [others]);
    assert_eq!(instants(&idle), [at("2026-03-01T10:00:00Z")]);
}

#[test]
fn an_instant_that_meets_a_run_waits_for_it() {
    let plan = four_due(Overlap::Queue, Vec::new(), Vec::new());

    assert_eq!(instants(&plan), [at("2026-03-01T10:00:00Z")]);
    let wait = |second: u32| waiting(&format!("2026-03-01T10:00:0{second}Z"), FireKind::Clock);
    assert_eq!(plan.standing.pending, [wait(1), wait(2), wait(3)]);
    assert_eq!(plan.standing.look_at, Some(at("2026-03-01T10:00:04Z")));
}

#[test]
fn what_waits_fires_one_at_a_time_and_what_comes_waits_behind_it() {
    let first = waiting("2026-03-01T09:59:58Z", FireKind::Clock);
    let second = waiting("2026-03-01T09:59:59Z", FireKind::Clock);

    let busy = four_due(Overlap::Queue, vec![job(1)], vec![first, second]);
    let idle = four_due(Overlap::Queue, Vec::new(), vec![first, second]);

    assert!(busy.runs.is_empty());
    assert_eq!(busy.standing.pending.len(), 6);
    assert_eq!(instants(&idle), [first.instant]);
    assert_eq!(idle.standing.pending.len(), 5);
    assert_eq!(idle.standing.pending[0], second);
}

#[test]
fn what_finds_the_queue_full_is_skipped() {
    let long_ago = at("2026-03-01T09:00:00Z");
    let pending: Vec<Pending> = (0..i64::try_from(PENDING_MAX).expect("it is small") - 1)
        .map(|second| Pending { instant: long_ago + seconds(second), kind: FireKind::Clock, job: None })
        .collect();

    let plan = four_due(Overlap::Queue, vec![job(1)], pending);

    let full = skip("2026-03-01T10:00:01Z", "2026-03-01T10:00:03Z", Some(3), SkipReason::QueueFull);
    assert_eq!(plan.skips, [full]);
    assert_eq!(plan.standing.pending.len(), PENDING_MAX);
}

#[test]
fn a_run_is_cancelled_by_the_last_of_the_instants_that_have_come() {
    let plan = four_due(Overlap::Cancel, vec![job(1), job(2)], Vec::new());

    let others = skip("2026-03-01T10:00:00Z", "2026-03-01T10:00:02Z", Some(3), SkipReason::Overlap);
    assert_eq!(plan.skips, [others]);
    assert_eq!(instants(&plan), [at("2026-03-01T10:00:03Z")]);
    assert_eq!(plan.cancel, [job(1), job(2)]);
    assert!(plan.standing.open.is_empty());
}

#[test]
fn a_run_goes_on_as_long_as_no_instant_comes() {
    let mut schedule =
        schedule(ScheduleSpec { overlap: Overlap::Cancel, ..every(60) }, "2026-03-01T10:00:00Z");
    schedule.standing.open = vec![job(1)];

    let plan = planned(&schedule, "2026-03-01T09:59:30Z");

    assert!(plan.cancel.is_empty());
    assert_eq!(plan.standing.open, [job(1)]);
}

#[test]
fn a_clock_that_stands_still_lets_what_waits_fire() {
    for state in [ScheduleState::Paused, ScheduleState::Disabled, ScheduleState::Finished] {
        let mut schedule = schedule(every(60), "2026-03-01T10:00:00Z");
        let asked = Pending { job: Some(job(7)), ..waiting("2026-03-01T10:04:30Z", FireKind::Trigger) };
        schedule.standing.state = state;
        schedule.standing.pending = vec![asked, Pending { kind: FireKind::Trigger, ..asked }];

        let plan = planned(&schedule, "2026-03-01T10:05:00Z");

        assert_eq!(instants(&plan), [asked.instant]);
        assert_eq!((plan.runs[0].kind, plan.runs[0].job), (FireKind::Trigger, asked.job));
        assert_eq!(plan.standing.state, state);
        assert_eq!(plan.standing.next_at, schedule.standing.next_at);
        assert_eq!(plan.standing.look_at, Some(at("2026-03-01T10:05:00.500Z")));
    }
}

#[test]
fn a_clock_that_stands_still_and_for_which_nothing_waits_needs_no_look() {
    let mut schedule = schedule(every(60), "2026-03-01T10:00:00Z");
    schedule.standing.state = ScheduleState::Paused;

    let plan = planned(&schedule, "2026-03-01T10:05:00Z");

    assert!(plan.runs.is_empty() && plan.skips.is_empty());
    assert_eq!(plan.standing, Standing { look_at: None, ..schedule.standing });
}

#[test]
fn a_schedule_without_another_instant_has_finished() {
    let schedule = schedule(spec(Timing::At(at("2026-03-01T10:00:00Z"))), "2026-03-01T10:00:00Z");

    let plan = planned(&schedule, "2026-03-01T10:00:00.080Z");

    assert_eq!(instants(&plan), [at("2026-03-01T10:00:00Z")]);
    assert_eq!(plan.standing.state, ScheduleState::Finished);
    assert_eq!((plan.standing.next_at, plan.standing.look_at), (None, None));
}

#[test]
fn a_schedule_has_not_finished_as_long_as_an_instant_waits() {
    let spec = ScheduleSpec { overlap: Overlap::Queue, ..spec(Timing::At(at("2026-03-01T10:00:00Z"))) };
    let mut schedule = schedule(spec, "2026-03-01T10:00:00Z");
    schedule.standing.open = vec![job(1)];

    let before = planned(&schedule, "2026-03-01T10:00:01Z");
    schedule.standing = Standing { open: Vec::new(), ..before.standing.clone() };
    let after = planned(&schedule, "2026-03-01T10:00:09Z");

    assert_eq!(before.standing.state, ScheduleState::Active);
    assert_eq!(before.standing.look_at, Some(at("2026-03-01T10:00:01.500Z")));
    assert_eq!(instants(&after), [at("2026-03-01T10:00:00Z")]);
    assert_eq!(after.standing.state, ScheduleState::Finished);
}

#[test]
fn what_is_too_much_for_one_plan_is_decided_by_the_next() {
    let spec = ScheduleSpec { missed_after_ms: 3_600_000, ..every(1) };
    let mut schedule = schedule(spec, "2026-03-01T10:00:00Z");
    let now = "2026-03-01T10:50:00Z";

    let mut all = Vec::new();
    let mut plans = 0;
    while schedule.standing.look_at.is_some_and(|look_at| look_at <= at(now)) {
        let plan = planned(&schedule, now);
        assert!(plan.runs.len() <= RUNS_MAX);
        all.extend(instants(&plan));
        schedule.standing = plan.standing;
        plans += 1;
    }

    let expected: Vec<DateTime<Utc>> = (0..=3_000).map(|s| at("2026-03-01T10:00:00Z") + seconds(s)).collect();
    assert_eq!(all, expected);
    assert_eq!(plans, 4);
}

#[test]
fn jitter_puts_off_the_start_and_not_the_instant() {
    let spec = ScheduleSpec { jitter_ms: 30_000, ..every(1) };

    let plan = planned(&schedule(spec, "2026-03-01T10:00:00Z"), "2026-03-01T10:00:59Z");

    let waits: Vec<TimeDelta> = plan.runs.iter().map(|run| run.start_at - run.instant).collect();
    assert!(waits.iter().all(|wait| (seconds(0)..=seconds(30)).contains(wait)), "{waits:?}");
    let early = waits.iter().filter(|wait| **wait < seconds(15)).count();
    assert!((15..=45).contains(&early), "{early} of 60 in the first half");
}

#[test]
fn jitter_differs_between_schedules_and_not_between_looks() {
    let instant = at("2026-03-01T10:00:00Z");
    let start = |id: i64| jitter::start_at(ScheduleId(id), instant, 60_000);

    let mut starts: Vec<DateTime<Utc>> = (1..=100).map(start).collect();
    assert_eq!(starts, (1..=100).map(start).collect::<Vec<_>>());
    starts.sort_unstable();
    starts.dedup();

    assert!(starts.len() > 95, "{} of 100 differ", starts.len());
    // The hash is the same in the next release too.
    assert_eq!(start(1), at("2026-03-01T10:00:57.894Z"));
}

#[test]
fn what_somebody_asked_for_has_no_jitter() {
    let mut schedule = schedule(ScheduleSpec { jitter_ms: 3_600_000, ..every(60) }, "2026-03-01T10:00:00Z");
    schedule.standing.pending = vec![waiting("2026-03-01T09:58:00.123Z", FireKind::Trigger)];

    let plan = planned(&schedule, "2026-03-01T09:59:00Z");

    assert_eq!(plan.runs[0].start_at, plan.runs[0].instant);
}

//! I7: what schedules owe, and how it can be broken.

use super::{SECOND, Story, breaks, job};
use crate::check::Invariant;
use crate::truth::{Fire, Job, Kind, Schedule};

/// What the clock made of the instant at `second`, a moment later.
fn fired(second: i64) -> Fire {
    Fire {
        schedule: "nightly".to_owned(),
        instant_us: second * SECOND,
        recorded_us: Some(second * SECOND + 1),
        job: Some(format!("job-{second}")),
        ..Fire::default()
    }
}

/// The clock passed the instants of these seconds over.
fn skipped(seconds: std::ops::RangeInclusive<i64>) -> Fire {
    Fire {
        until_us: Some(seconds.end() * SECOND),
        recorded_us: Some(seconds.end() * SECOND + 1),
        job: None,
        reason: Some("missed".to_owned()),
        ..fired(*seconds.start())
    }
}

impl Story {
    /// Stores the fire, and its job.
    fn fate(&mut self, fire: Fire) {
        if let Some(id) = &fire.job {
            let made = Job {
                state: "succeeded".to_owned(),
                ..job(id, vec![super::attempt(1, 2, 30..31, "succeeded")])
            };
            self.truth.jobs.push(Job { run_at_us: fire.instant_us, ..made });
        }
        self.truth.fires.push(fire);
    }

    /// An instant each second from 10 to 19: it fired, but for 12 to 14, which were skipped.
    fn with_a_schedule(mut self) -> Self {
        for second in (10..=11).chain(15..=19) {
            self.fate(fired(second));
        }
        self.fate(skipped(12..=14));
        let name = "nightly".to_owned();
        self.truth.schedules =
            vec![Schedule { name, first_us: 10 * SECOND, last_us: 19 * SECOND, period_us: SECOND }];
        self
    }

    fn fire(&mut self, second: i64) -> &mut Fire {
        let at_us = second * SECOND;
        self.truth.fires.iter_mut().find(|fire| fire.instant_us == at_us).expect("it is there")
    }
}

/// As [`breaks`], of a story with a schedule.
#[track_caller]
fn breaks_schedule(ways: usize, change: impl FnOnce(&mut Story)) {
    breaks(Invariant::Schedules, ways, |story| {
        *story = std::mem::replace(story, Story::in_order()).with_a_schedule();
        change(story);
    });
}

#[test]
fn nothing_starts_before_its_time() {
    breaks(Invariant::Schedules, 1, |story| story.job("a").run_at_us = 3 * SECOND);
}

#[test]
fn a_schedule_in_order_holds() {
    assert_eq!(Story::in_order().with_a_schedule().judged().violations, []);
}

#[test]
fn an_instant_makes_one_job_and_that_is_there() {
    breaks_schedule(1, |story| {
        let again = Fire { job: Some("again".to_owned()), ..fired(15) };
        story.fate(again);
    });
    breaks_schedule(1, |story| story.fire(15).job = Some("z".to_owned()));
}

#[test]
fn an_instant_has_a_job_or_a_skip_and_one_of_it() {
    breaks_schedule(1, |story| story.fate(skipped(15..=15)));
    breaks_schedule(1, |story| story.fate(fired(13)));
    breaks_schedule(1, |story| story.fate(skipped(14..=14)));
}

#[test]
fn what_was_skipped_may_be_made_up_for_by_hand() {
    let mut story = Story::in_order().with_a_schedule();

    story.fate(Fire { kind: Kind::Backfill, ..fired(13) });

    assert_eq!(story.judged().violations, []);
}

#[test]
fn a_trigger_is_beside_the_clock() {
    let mut story = Story::in_order().with_a_schedule();
    let trigger = |us: i64| Fire {
        kind: Kind::Trigger,
        instant_us: 13 * SECOND + us,
        recorded_us: Some(13 * SECOND + us),
        job: Some(format!("by-hand-{us}")),
        ..fired(13)
    };
    story.fate(trigger(0));
    story.fate(trigger(500));
    story.fate(Fire { job: None, ..trigger(700) });

    assert_eq!(story.judged().violations, []);
    breaks_schedule(1, |story| {
        story.fate(trigger(500));
        story.fate(Fire { job: None, ..trigger(500) });
    });
}

#[test]
fn something_becomes_of_every_instant() {
    breaks_schedule(1, |story| story.truth.fires.retain(|fire| fire.instant_us / SECOND != 17));
    breaks_schedule(1, |story| story.truth.fires.retain(|fire| fire.job.is_some()));
    breaks_schedule(1, |story| story.truth.schedules[0].last_us = 20 * SECOND);
    breaks_schedule(1, |story| story.truth.fires.clear());
}

#[test]
fn the_clock_names_no_other_instant() {
    breaks_schedule(1, |story| {
        let between = Fire { instant_us: 15 * SECOND + 1, job: Some("between".to_owned()), ..fired(16) };
        story.fate(between);
    });
    breaks_schedule(1, |story| story.truth.schedules[0].period_us = 0);
}

#[test]
fn before_the_first_and_after_the_last_nothing_is_owed() {
    let mut story = Story::in_order().with_a_schedule();

    story.fate(Fire { instant_us: 7 * SECOND + 1, ..fired(9) });
    story.fate(Fire { instant_us: 20 * SECOND + 1, recorded_us: None, ..fired(21) });

    assert_eq!(story.judged().violations, []);
}

#[test]
fn nothing_is_decided_before_its_instant_by_the_clock_of_the_database() {
    breaks_schedule(1, |story| story.fire(15).recorded_us = Some(15 * SECOND - 1));
    breaks_schedule(1, |story| story.fire(12).recorded_us = Some(13 * SECOND));
    breaks_schedule(1, |story| story.job("job-15").run_at_us = 14 * SECOND);
}

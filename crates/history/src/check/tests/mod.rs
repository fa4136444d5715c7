//! Each invariant can be broken: a history in order, and one change to it at a time.

use serde_json::json;

use super::{Invariant, Summary, check, check_all};
use crate::event::{Effect, Event, Fault, FaultId, Hit, Line, Process};
use crate::truth::{Attempt, Job, Session, Standing, Truth};

mod schedules;

const SECOND: i64 = 1_000_000;

/// A trial in order: job `a` succeeded at once; job `b` lost its host, which was killed, and succeeded on another.
struct Story {
    lines: Vec<Line>,
    truth: Truth,
}

impl Story {
    fn in_order() -> Self {
        let mut story = Self { lines: Vec::new(), truth: Truth::default() };
        story.say(0, Event::Trial { name: "story".to_owned() });
        for id in ["a", "b"] {
            story.say(0, Event::Asked { job: id.to_owned(), key: Some(format!("key-{id}")) });
            story.say(1, Event::Told { asked: id.to_owned(), job: id.to_owned() });
        }
        story.effect(3, "a", 1);
        story.effect(3, "b", 1);
        let hit = Hit::host("host-1");
        story.say(4, Event::Fault(Fault { fault: FaultId(1), name: "kill -9".to_owned(), hit }));
        story.say(5, Event::Over { fault: FaultId(1) });
        story.effect(8, "b", 2);
        story.say(9, Event::Ended { job: "b".to_owned(), state: "succeeded".to_owned() });
        story.say(10, Event::Process(process()));
        story.truth.sessions = vec![
            Session { id: 1, host: "host-1".to_owned(), started_us: 0, closed_us: Some(6 * SECOND) },
            Session { id: 2, host: "host-2".to_owned(), started_us: 0, closed_us: None },
        ];
        story.truth.jobs = vec![
            job("a", vec![attempt(1, 2, 2..4, "succeeded")]),
            job("b", vec![attempt(1, 1, 2..6, "lost"), attempt(2, 2, 7..9, "succeeded")]),
        ];
        story
    }

    fn say(&mut self, second: i64, event: Event) {
        self.lines.push(Line { at_us: second * SECOND, event });
    }

    fn effect(&mut self, second: i64, job: &str, attempt: u32) {
        let key = Some(format!("{job}-0"));
        self.say(second, Event::Effect(Effect { job: job.to_owned(), attempt, effect: 1, key }));
    }

    fn job(&mut self, id: &str) -> &mut Job {
        self.truth.jobs.iter_mut().find(|job| job.id == id).expect("it is there")
    }

    fn judged(mut self) -> Summary {
        let truth = std::mem::take(&mut self.truth);
        self.say(11, Event::Truth(truth));
        check(&self.lines)
    }
}

fn job(id: &str, attempts: Vec<Attempt>) -> Job {
    let number = attempts.last().map(|last| last.number);
    Job {
        id: id.to_owned(),
        state: "succeeded".to_owned(),
        result: Some(json!({ "attempt": number })),
        key: Some(format!("key-{id}")),
        max_attempts: 5,
        run_at_us: SECOND,
        attempts,
    }
}

fn attempt(number: u32, session: i64, seconds: std::ops::Range<i64>, outcome: &str) -> Attempt {
    Attempt {
        number,
        session,
        started_us: seconds.start * SECOND,
        finished_us: seconds.end * SECOND,
        outcome: outcome.to_owned(),
    }
}

fn process() -> Process {
    Process {
        name: "host-2".to_owned(),
        pid_before: Some(7),
        pid_after: Some(7),
        restarted: false,
        panics: 0,
        resident_before_kib: 50 << 10,
        resident_after_kib: 90 << 10,
    }
}

/// The one invariant that a story broken by `change` breaks, and in how many ways.
#[track_caller]
fn breaks(invariant: Invariant, ways: usize, change: impl FnOnce(&mut Story)) {
    let mut story = Story::in_order();
    change(&mut story);

    let seen: Vec<_> = story.judged().violations;

    assert!(seen.iter().all(|violation| violation.invariant == invariant), "{seen:?}");
    assert_eq!(seen.len(), ways, "{seen:?}");
}

#[test]
fn a_trial_in_order_holds_and_is_summed_up() {
    let summary = Story::in_order().judged();

    let expected = Summary {
        trial: "story".to_owned(),
        faults: 1,
        jobs: 2,
        lost: 0,
        duplicate_successes: 0,
        effects: 3,
        attempts: 3,
        lost_attempts: 1,
        violations: Vec::new(),
    };
    assert_eq!(summary, expected);
}

#[test]
fn an_acknowledged_job_that_is_gone_is_lost() {
    let mut story = Story::in_order();
    story.say(1, Event::Told { asked: "c".to_owned(), job: "c".to_owned() });

    let summary = story.judged();

    assert_eq!(summary.lost, 1);
    assert_eq!(summary.violations[0].invariant, Invariant::NothingLost);
}

#[test]
fn an_acknowledged_job_that_never_ends_is_lost() {
    breaks(Invariant::NothingLost, 1, |story| {
        story.truth.jobs.push(Job { state: "queued".to_owned(), ..job("c", Vec::new()) });
        story.say(1, Event::Told { asked: "c".to_owned(), job: "c".to_owned() });
    });
}

#[test]
fn a_job_that_nobody_was_told_of_must_end_too() {
    breaks(Invariant::NothingLost, 1, |story| {
        story.truth.jobs.push(Job { state: "running".to_owned(), ..job("c", Vec::new()) });
    });
}

#[test]
fn a_job_stays_in_the_final_state_that_clients_were_told() {
    breaks(Invariant::NothingLost, 1, |story| {
        story.say(9, Event::Ended { job: "a".to_owned(), state: "cancelled".to_owned() });
    });
}

#[test]
fn without_the_store_nothing_is_known_to_be_safe() {
    let story = Story::in_order();

    let summary = check(&story.lines);

    assert_eq!(summary.lost, 2);
    assert!(!summary.holds());
}

#[test]
fn two_successes_are_one_too_many() {
    let mut story = Story::in_order();
    story.job("b").attempts[0].outcome = "succeeded".to_owned();
    story.job("b").attempts[0].finished_us = 5 * SECOND;

    let summary = story.judged();

    assert_eq!(summary.duplicate_successes, 1);
    assert!(summary.violations.iter().any(|violation| violation.invariant == Invariant::OneSuccess));
}

#[test]
fn a_job_that_succeeded_has_an_attempt_that_did_and_the_reverse() {
    breaks(Invariant::OneSuccess, 1, |story| {
        story.job("a").attempts[0].outcome = "cancelled".to_owned();
    });
    breaks(Invariant::OneSuccess, 1, |story| story.job("a").state = "failed".to_owned());
}

#[test]
fn the_result_is_that_of_the_attempt_that_succeeded() {
    breaks(Invariant::OneSuccess, 1, |story| story.job("b").result = Some(json!({"attempt": 1})));
}

#[test]
fn a_key_has_one_job() {
    breaks(Invariant::OneSuccess, 1, |story| story.job("b").key = Some("key-a".to_owned()));
    breaks(Invariant::OneSuccess, 1, |story| {
        story.say(1, Event::Told { asked: "a".to_owned(), job: "b".to_owned() });
    });
}

#[test]
fn attempts_are_numbered_without_gaps() {
    breaks(Invariant::Attempts, 1, |story| {
        story.job("b").attempts[1].number = 3;
        story.job("b").result = Some(json!({"attempt": 3}));
    });
}

#[test]
fn an_attempt_has_an_end_and_a_host() {
    breaks(Invariant::Attempts, 1, |story| story.job("b").attempts[1].session = 9);
    breaks(Invariant::Attempts, 1, |story| story.job("b").attempts[1].finished_us = 6 * SECOND);
}

#[test]
fn a_job_is_tried_as_often_as_it_may_be_and_once_more_for_each_lost_lease() {
    breaks(Invariant::Attempts, 1, |story| story.job("b").max_attempts = 0);
    let mut enough = Story::in_order();

    enough.job("b").max_attempts = 1;

    assert!(enough.judged().holds());
}

#[test]
fn a_closed_session_records_nothing_but_its_loss() {
    breaks(Invariant::Fencing, 1, |story| {
        story.truth.sessions[1].closed_us = Some(8 * SECOND);
        story.job("b").attempts[1].finished_us = 11 * SECOND;
    });
}

#[test]
fn what_is_recorded_while_a_session_is_being_closed_came_before() {
    let mut story = Story::in_order();

    story.truth.sessions[1].closed_us = Some(8 * SECOND);

    assert!(story.judged().holds());
}

#[test]
fn a_closed_session_claims_nothing() {
    breaks(Invariant::Fencing, 1, |story| {
        story.job("b").attempts[0] = attempt(1, 1, 7..7, "lost");
        let hit = Hit::Job("b".to_owned());
        story.say(7, Event::Fault(Fault { fault: FaultId(2), name: "any".to_owned(), hit }));
    });
}

#[test]
fn an_attempt_begins_after_the_one_before_has_ended() {
    breaks(Invariant::Fencing, 1, |story| story.job("b").attempts[1].started_us = 5 * SECOND);
}

#[test]
fn an_attempt_is_not_older_than_its_session() {
    breaks(Invariant::Fencing, 1, |story| story.truth.sessions[1].started_us = 3 * SECOND);
}

#[test]
fn a_host_calls_nobody_once_its_session_is_closed() {
    breaks(Invariant::Fencing, 1, |story| {
        for line in &mut story.lines {
            if matches!(&line.event, Event::Effect(effect) if effect.job == "b" && effect.attempt == 1) {
                line.at_us = 9 * SECOND;
            }
        }
    });
}

#[test]
fn nothing_stands_when_all_is_at_rest() {
    breaks(Invariant::NoZombies, 3, |story| {
        story.truth.standing = Standing { orphans: 1, due: 2, running: 3 };
    });
}

#[test]
fn a_process_that_nobody_killed_is_the_same() {
    breaks(Invariant::Processes, 1, |story| {
        story.say(10, Event::Process(Process { pid_after: Some(8), ..process() }));
    });
    let mut killed = Story::in_order();
    killed.say(10, Event::Process(Process { pid_after: Some(8), restarted: true, ..process() }));

    assert!(killed.judged().holds());
}

#[test]
fn a_panic_and_memory_that_is_not_given_back_are_told() {
    breaks(Invariant::Processes, 2, |story| {
        story.say(10, Event::Process(Process { panics: 1, resident_after_kib: 115 << 10, ..process() }));
    });
}

#[test]
fn a_job_runs_once_and_once_more_for_each_fault_that_hit_its_host() {
    breaks(Invariant::Duplicates, 1, |story| {
        for line in &mut story.lines {
            if let Event::Fault(fault) = &mut line.event {
                fault.hit = Hit::host("host-2");
                // It was over before this host had the job.
                line.at_us = 4 * SECOND;
            }
        }
    });
    breaks(Invariant::Duplicates, 1, |story| story.effect(8, "b", 2));
}

/// The database crashed, and forgot that job `b` had been claimed; the first of its executions was seen at `second`.
fn forgotten_claim(story: &mut Story, second: i64) {
    for line in &mut story.lines {
        match &mut line.event {
            Event::Fault(fault) => fault.hit = Hit::Everybody,
            Event::Effect(effect) if effect.job == "b" => {
                line.at_us = if effect.attempt == 1 { second * SECOND } else { line.at_us };
                effect.attempt = 1;
            }
            _ => {}
        }
    }
    *story.job("b") = job("b", vec![attempt(1, 2, 7..9, "succeeded")]);
}

#[test]
fn a_claim_that_a_crash_of_the_database_forgot_is_known_to_the_sink_alone() {
    let mut story = Story::in_order();
    forgotten_claim(&mut story, 3);

    assert_eq!(story.judged().violations, []);

    breaks(Invariant::Duplicates, 1, |story| forgotten_claim(story, 7));
}

#[test]
fn an_effect_of_a_job_that_is_not_there_is_told() {
    breaks(Invariant::Duplicates, 1, |story| story.effect(8, "z", 1));
}

#[test]
fn a_call_carries_one_key_over_all_attempts() {
    breaks(Invariant::Duplicates, 1, |story| {
        for line in &mut story.lines {
            if let Event::Effect(effect) = &mut line.event {
                effect.key = Some(format!("{}-{}", effect.job, effect.attempt));
            }
        }
    });
}

#[test]
fn trials_of_one_file_are_judged_apart() {
    let (mut one, mut two) = (Story::in_order(), Story::in_order());
    let (truth, other) = (std::mem::take(&mut one.truth), std::mem::take(&mut two.truth));
    one.say(11, Event::Truth(truth));
    two.say(11, Event::Truth(Truth { jobs: Vec::new(), ..other }));

    let summaries = check_all(&[one.lines, two.lines].concat());

    assert_eq!(summaries.iter().map(|summary| summary.lost).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn what_breaks_a_thousand_times_is_told_in_a_few_lines() {
    let mut story = Story::in_order();
    for number in 0..1000 {
        story.say(1, Event::Told { asked: format!("c{number}"), job: format!("c{number}") });
    }

    let summary = story.judged();

    assert_eq!((summary.lost, summary.violations.len()), (1000, 6));
    assert!(summary.violations[5].what.contains("995 more"), "{:?}", summary.violations);
}

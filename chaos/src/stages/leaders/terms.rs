//! One leader and the next.

use std::time::{Duration, Instant};

use history::{Hit, now_us};

use super::{PATIENCE, TAKEOVER_MAX, judge_starts, kill_leader, next_term, rest_of, taken_over, term};
use crate::load::LoadPlan;
use crate::trial::Trial;

/// Between two kills.
const KILL_EVERY: Duration = Duration::from_secs(7);

/// Three terms, and a little.
const THREE_TERMS: Duration = Duration::from_millis(4_600);

/// How long a woken leader may go on believing.
const STEP_DOWN_MAX: Duration = Duration::from_secs(1);

/// What "at once" is: a follower asks four times in a term of 1.5 s.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Hands the leader's row to the other scheduler, for a term as it would have taken itself.
pub(in crate::stages) const TO_THE_OTHER: &str = "update leader set (holder, address) = (select id, address
     from schedulers where id <> leader.holder order by seen_at desc limit 1), term = term + 1,
     expires_at = now() + interval '1500 ms'";

pub(super) fn killed(trial: &mut Trial) {
    let every = if trial.times(1, 0) == 1 { KILL_EVERY } else { Duration::from_secs(3) };
    let kills = trial.times(17, 2);
    // Jobs fall due from the first kill to the last.
    let load = trial.load(LoadPlan {
        jobs: trial.times(10_000, 300),
        per_second: Some(u32::try_from(trial.times(85, 60)).expect("it is small")),
        delay: Some(Duration::from_secs(2)),
        ..LoadPlan::default()
    });
    load.until_acknowledged(1);

    for _ in 0..kills {
        let began = Instant::now();
        kill_leader(trial);
        rest_of(trial, began, every);
    }

    let settled = trial.settle(load);
    judge_starts(trial, &settled);
}

pub(super) fn stopped(trial: &mut Trial) {
    let audit = Audit::begin(trial);
    for _ in 0..trial.times(2, 1) {
        stop_once(trial, &audit);
    }
    audit.end(trial);
}

fn stop_once(trial: &mut Trial, audit: &Audit) {
    // Everything is stored before: what the replica writes from now on, it writes because it leads.
    let load = trial.load(LoadPlan {
        jobs: trial.times(400, 100),
        delay: Some(Duration::from_secs(4)),
        ..LoadPlan::default()
    });
    load.until_asked();
    let (leader, before) = (trial.field.leader(), term(trial));
    let steps_down = |trial: &mut Trial| trial.field.scheduler(leader).log_lines("leads no more").len();
    let downs = steps_down(trial);

    let fault = trial.fault("SIGSTOP of the leader", Hit::Nobody);
    let (hit_us, began) = (now_us(), Instant::now());
    trial.field.scheduler(leader).freeze();
    let took = next_term(trial, before, hit_us);
    taken_over(trial, took, TAKEOVER_MAX);
    rest_of(trial, began, THREE_TERMS);
    let asleep = audit.writes(trial, leader);
    trial.field.scheduler(leader).thaw();
    let down = trial.eventually("the woken leader steps down", PATIENCE, |trial| steps_down(trial) > downs);
    trial.over(fault);

    trial.within(down, STEP_DOWN_MAX, "the woken leader steps down");
    trial.note(format!("the woken leader stepped down after {down:.2?}"));
    // Each part of it has its turn more than once meanwhile.
    trial.pause(Duration::from_secs(2));
    let awake = audit.writes(trial, leader);
    trial.require(awake == asleep, format!("the woken leader wrote {} rows", awake - asleep));
    let others = audit.writes(trial, 1 - leader);
    trial.require(others > 0, "the audit saw the other one write nothing");
    let settled = trial.settle(load);
    judge_starts(trial, &settled);
}

/// Counts the rows that each scheduler changes, but for its own sign of life. Each has a name of its own in the
/// database meanwhile.
struct Audit {
    /// What each was started with before.
    usual: Vec<Vec<(String, String)>>,
}

impl Audit {
    fn begin(trial: &mut Trial) -> Self {
        trial.field.postgres().execute(include_str!("../../../sql/audit.sql"));
        let mut usual = Vec::new();
        trial.during("restarts under another name", Hit::Nobody, |trial| {
            for (index, member) in trial.field.schedulers().iter_mut().enumerate() {
                usual.push(member.launch().environment.clone());
                for (_, value) in &mut member.launch().environment {
                    *value = value.replace("postgres://postgres@", &format!("postgres://{}@", name(index)));
                }
                member.terminate();
                member.start();
            }
        });
        Self { usual }
    }

    /// Rows that this scheduler has changed so far.
    fn writes(&self, trial: &Trial, scheduler: usize) -> u64 {
        trial.field.number(&format!("select count(*) from audit where who = '{}'", name(scheduler)))
    }

    fn end(self, trial: &mut Trial) {
        trial.during("restarts under the usual name", Hit::Nobody, |trial| {
            for (member, usual) in trial.field.schedulers().iter_mut().zip(self.usual) {
                member.launch().environment = usual;
                member.terminate();
                member.start();
            }
        });
        trial.field.postgres().execute(include_str!("../../../sql/audit_end.sql"));
    }
}

/// What the database knows a scheduler as.
fn name(scheduler: usize) -> String {
    format!("audited_{scheduler}")
}

pub(super) fn deposed(trial: &mut Trial) {
    let load = trial.load(LoadPlan {
        jobs: trial.times(1_200, 200),
        per_second: Some(u32::try_from(trial.times(80, 40)).expect("it is small")),
        delay: Some(Duration::from_secs(1)),
        ..LoadPlan::default()
    });
    load.until_acknowledged(1);
    let to_nobody = "update leader set holder = 'by hand', address = 'http://127.0.0.1:1', term = term + 1,
                     expires_at = now() + interval '2 s'";
    let in_the_same_term = "update leader set holder = 'by hand', address = 'http://127.0.0.1:1'";
    let for_an_hour = "update leader set holder = 'by hand', address = 'http://127.0.0.1:1', term = term + 1,
                       expires_at = now() + interval '1 h'";

    let ways = [to_nobody, TO_THE_OTHER, in_the_same_term, for_an_hour];
    for way in &ways[..trial.times(4, 2)] {
        depose(trial, way);
    }

    let settled = trial.settle(load);
    judge_starts(trial, &settled);
}

fn depose(trial: &mut Trial, way: &str) {
    let leader = trial.field.leader();
    let steps_down = |trial: &mut Trial| trial.field.scheduler(leader).log_lines("leads no more").len();
    let downs = steps_down(trial);
    let (down, up) = trial.during("its row changed by hand", Hit::Nobody, |trial| {
        let began = Instant::now();
        trial.field.postgres().execute(way);
        let down = trial.eventually("the first steps down", PATIENCE, |trial| steps_down(trial) > downs);
        let led = |trial: &mut Trial| trial.field.leading().is_some();
        let _ = trial.eventually("a scheduler leads", PATIENCE, led);
        (down, began.elapsed())
    });
    trial.within(down, STEP_DOWN_MAX, "the first steps down");
    // Besides the term that was written by hand.
    taken_over(trial, up, TAKEOVER_MAX + Duration::from_secs(2));
}

pub(super) fn resigns(trial: &mut Trial) {
    let load = trial.load(LoadPlan {
        jobs: trial.times(1_000, 150),
        per_second: Some(u32::try_from(trial.times(80, 40)).expect("it is small")),
        ..LoadPlan::default()
    });
    load.until_acknowledged(1);

    for _ in 0..trial.times(8, 2) {
        let (leader, before) = (trial.field.leader(), term(trial));
        trial.during("SIGTERM of the leader", Hit::Nobody, |trial| {
            let hit_us = now_us();
            trial.field.scheduler(leader).signal("TERM");
            let took = next_term(trial, before, hit_us);
            taken_over(trial, took, AT_ONCE);
            let status = trial.field.scheduler(leader).exit();
            trial.require(status.success(), format!("the leader ended with {status}"));
            trial.field.scheduler(leader).start();
        });
    }

    let settled = trial.settle(load);
    judge_starts(trial, &settled);
}

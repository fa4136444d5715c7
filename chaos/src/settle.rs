//! The end of a trial: everything at rest, and what is left then.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use history::{Event, Hit, Job, Journal, Line, Process, Summary, Truth};

use crate::field::Field;

/// Between two looks, each a process of psql: seldom enough to leave the processors to those who are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How long the queue may stand still before it counts as stuck: longer than a lease, a term and a back-off of five
/// attempts together.
const STANDS_STILL: Duration = Duration::from_secs(60);

/// How long all of a trial's jobs may take to end once nothing is broken any more.
const PATIENCE: Duration = Duration::from_secs(240);

/// How long a process may take to give memory back: pools shrink by their own clocks.
const MEMORY: Duration = Duration::from_secs(5);

/// Memory that a process may hold more than before, in KiB.
const RESIDENT_MORE_KIB: u64 = 64 << 10;

/// Lines of a log that are kept of a failed trial.
const LOG_LINES: usize = 60;

/// A trial at rest.
#[derive(Debug, Clone)]
pub struct Settled {
    /// What the store says.
    pub truth: Truth,
    /// The checker's verdict.
    pub summary: Summary,
    lines: Vec<Line>,
}

impl Settled {
    pub(crate) fn new(truth: Truth, summary: Summary, lines: Vec<Line>) -> Self {
        Self { truth, summary, lines }
    }

    /// The job of this id.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.truth.jobs.iter().find(|job| job.id == id)
    }

    /// How many jobs stand in this state.
    #[must_use]
    pub fn in_state(&self, state: &str) -> usize {
        self.truth.jobs.iter().filter(|job| job.state == state).count()
    }

    /// How many attempts ended so.
    #[must_use]
    pub fn outcomes(&self, outcome: &str) -> usize {
        let attempts = self.truth.jobs.iter().flat_map(|job| &job.attempts);
        attempts.filter(|attempt| attempt.outcome == outcome).count()
    }

    /// How long it took until each job that lost its host began its next attempt, counted from the last fault before
    /// that hit this host.
    #[must_use]
    pub fn takeovers(&self) -> Vec<Duration> {
        let hosts: HashMap<_, _> =
            self.truth.sessions.iter().map(|one| (one.id, one.host.as_str())).collect();
        let faults: Vec<_> =
            self.lines.iter().filter_map(|line| Some((line.at_us, host_of(&line.event)?))).collect();
        let mut took = Vec::new();
        for pair in self.truth.jobs.iter().flat_map(|job| job.attempts.windows(2)) {
            let (lost, next) = (&pair[0], &pair[1]);
            let Some(host) = hosts.get(&lost.session).filter(|_| lost.outcome == "lost") else { continue };
            let hit = faults.iter().rev().find(|(at_us, name)| name == host && *at_us <= lost.finished_us);
            if let Some((at_us, _)) = hit {
                let us = next.started_us.saturating_sub(*at_us);
                took.push(Duration::from_micros(u64::try_from(us).unwrap_or(0)));
            }
        }
        took
    }
}

fn host_of(event: &Event) -> Option<&str> {
    match event {
        Event::Fault(fault) => match &fault.hit {
            Hit::Host(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// Waits until everything is up, nothing waits or runs, and memory is back.
pub(crate) fn rest(field: &mut Field) -> Result<(), String> {
    let down: Vec<_> = field
        .members()
        .filter_map(|member| (!member.is_running()).then(|| member.name().to_owned()))
        .collect();
    if !down.is_empty() {
        return Err(format!("not up at the end: {}", down.join(", ")));
    }
    queue_empty(field)?;
    memory_back(field);
    Ok(())
}

/// Waits until every job has ended.
pub(crate) fn queue_empty(field: &Field) -> Result<(), String> {
    let mut least = u64::MAX;
    let (began, mut moved) = (Instant::now(), Instant::now());
    loop {
        let counts = field.query(include_str!("../sql/left.sql"));
        let counts = counts.first().and_then(|row| row.split_once('|'));
        let (left, at_hand) = counts
            .and_then(|(left, hand)| Some((left.parse().ok()?, hand.parse::<u64>().ok()?)))
            .ok_or("the database does not tell how many jobs are left")?;
        if left == 0 {
            return Ok(());
        }
        // What waits for its time is not stuck.
        if left < least || at_hand == 0 {
            (least, moved) = (left, Instant::now());
        }
        if moved.elapsed() > STANDS_STILL {
            return Err(format!("{left} jobs did not end, and nothing moved for {STANDS_STILL:?}"));
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{left} jobs did not end within {PATIENCE:?}"));
        }
        std::thread::park_timeout(LOOK);
    }
}

fn memory_back(field: &mut Field) {
    let deadline = Instant::now() + MEMORY;
    let fat = |field: &mut Field| {
        field.members().any(|member| {
            let before = member.base().resident_kib;
            before > 0 && member.resident_kib() > before + RESIDENT_MORE_KIB
        })
    };
    while fat(field) && Instant::now() < deadline {
        std::thread::park_timeout(LOOK);
    }
}

/// Writes into the history how the processes are.
pub(crate) fn processes(field: &mut Field, journal: &Journal) {
    for member in field.members() {
        let base = member.base();
        let panics = member.log_lines("panicked at").len();
        journal.record(Event::Process(Process {
            name: member.name().to_owned(),
            pid_before: base.pid,
            pid_after: member.is_running().then(|| member.pid()),
            restarted: base.restarted,
            panics: u32::try_from(panics).unwrap_or(u32::MAX),
            resident_before_kib: base.resident_kib,
            resident_after_kib: member.resident_kib(),
        }));
    }
}

/// The last lines of every log since the trial began.
pub(crate) fn logs(field: &mut Field) -> String {
    let mut text = String::new();
    for member in field.members() {
        let log = member.log_text();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        text += &format!("==== {}\n{last}\n", member.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use history::{Attempt, Fault, FaultId, Session, check};

    use super::*;

    fn attempt(number: u32, session: i64, times_us: (i64, i64), outcome: &str) -> Attempt {
        let (started_us, finished_us) = times_us;
        Attempt { number, session, started_us, finished_us, outcome: outcome.to_owned() }
    }

    fn fault(at_us: i64, number: u32, host: &str) -> Line {
        let fault = Fault { fault: FaultId(number), name: "kill -9".to_owned(), hit: Hit::host(host) };
        Line { at_us, event: Event::Fault(fault) }
    }

    #[test]
    fn a_takeover_runs_from_the_fault_that_hit_the_host_to_the_next_attempt() {
        let session =
            |id: i64, host: &str| Session { id, host: host.to_owned(), started_us: 0, closed_us: None };
        let attempts = vec![attempt(1, 1, (10, 300), "lost"), attempt(2, 2, (350, 400), "succeeded")];
        let truth = Truth {
            jobs: vec![Job { attempts, ..Job::default() }],
            sessions: vec![session(1, "host-1"), session(2, "host-2")],
            ..Truth::default()
        };
        let lines = vec![
            fault(20, 1, "host-1"),
            fault(100, 2, "host-1"),
            fault(200, 3, "host-2"),
            fault(500, 4, "host-1"),
        ];
        let summary = check(&lines);

        let settled = Settled::new(truth, summary, lines);

        assert_eq!(settled.takeovers(), [Duration::from_micros(250)]);
        assert_eq!((settled.outcomes("lost"), settled.outcomes("failed")), (1, 0));
    }
}

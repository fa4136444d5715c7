//! The invariants, each as a function of what is in the book.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Hit;
use crate::truth::{Attempt, Job};

use super::book::{Book, Spell, is_final, successes};
use super::schedules::schedules;
use super::{Invariant, Violation};

/// All of them, in their order.
pub(super) const ALL: [fn(&Book<'_>, &mut Found); 8] =
    [nothing_lost, one_success, attempts, fencing, no_zombies, processes, schedules, duplicates];

/// Violations of one kind that are told one by one; a fault that breaks one thing often breaks it a thousand times.
const TOLD_MAX: usize = 5;

/// How long after its session was closed an effect of an attempt may still arrive, or its end be recorded: it was on
/// its way.
const ON_ITS_WAY_US: i64 = 2_000_000;

/// What a crash of the database may forget of claims, which are not synced: they are made again, under the same number,
/// and only the sink knows of the first time.
const FORGOTTEN_US: i64 = 1_000_000;

/// Memory that a process may hold more than before.
const RESIDENT_MORE_KIB: u64 = 64 << 10;

/// What does not hold.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) violations: Vec<Violation>,
}

impl Found {
    pub(super) fn add(&mut self, invariant: Invariant, seen: Vec<String>) {
        let more = seen.len().saturating_sub(TOLD_MAX);
        self.violations.extend(seen.into_iter().take(TOLD_MAX).map(|what| Violation { invariant, what }));
        if more > 0 {
            self.violations.push(Violation { invariant, what: format!("… and {more} more") });
        }
    }
}

fn nothing_lost(book: &Book<'_>, found: &mut Found) {
    let mut seen = Vec::new();
    if book.truth.is_none() {
        seen.push("nobody asked the store".to_owned());
    }
    for id in &book.told {
        match book.jobs.get(id) {
            None => seen.push(format!("job {id} was acknowledged and is not there")),
            Some(job) if !is_final(&job.state) => {
                seen.push(format!("job {id} was acknowledged and is {}", job.state));
            }
            Some(_) => {}
        }
    }
    let unasked = book.stored().filter(|job| !book.told.contains(job.id.as_str()) && !is_final(&job.state));
    seen.extend(unasked.map(|job| format!("job {} is {}, though nobody was told of it", job.id, job.state)));
    for (id, state) in &book.ended {
        if let Some(job) =
            book.jobs.get(id).filter(|job| job.state != *state && !book.retried.contains_key(*id))
        {
            seen.push(format!("job {id} was told to have ended as {state} and is {}", job.state));
        }
    }
    found.add(Invariant::NothingLost, seen);
}

fn one_success(book: &Book<'_>, found: &mut Found) {
    let mut seen = Vec::new();
    for job in book.stored() {
        let count = successes(job);
        if count > 1 {
            seen.push(format!("job {} succeeded {count} times", job.id));
        }
        if job.state == "succeeded" && count == 0 {
            seen.push(format!("job {} has succeeded, and none of its attempts has", job.id));
        }
        if job.state != "succeeded" && is_final(&job.state) && count > 0 {
            seen.push(format!("job {} is {}, and an attempt of it has succeeded", job.id, job.state));
        }
        let winner = job.attempts.iter().find(|attempt| attempt.outcome == "succeeded");
        let result = job.result.as_ref().and_then(|result| result.get("attempt")?.as_u64());
        if let (Some(winner), Some(number)) = (winner, result)
            && u64::from(winner.number) != number
        {
            let id = &job.id;
            seen.push(format!("job {id} has the result of attempt {number}; {} succeeded", winner.number));
        }
    }
    let shared = book.told_by_key.iter().filter(|(_, jobs)| jobs.len() > 1);
    seen.extend(shared.map(|(key, jobs)| format!("clients were told {} jobs of the key {key}", jobs.len())));
    let mut stored: BTreeMap<&str, u32> = BTreeMap::new();
    for key in book.stored().filter_map(|job| job.key.as_deref()) {
        *stored.entry(key).or_default() += 1;
    }
    let twice = stored.iter().filter(|(_, count)| **count > 1);
    seen.extend(twice.map(|(key, count)| format!("the key {key} has {count} jobs")));
    found.add(Invariant::OneSuccess, seen);
}

fn attempts(book: &Book<'_>, found: &mut Found) {
    let mut seen = Vec::new();
    for job in book.stored() {
        let id = &job.id;
        let numbers: Vec<_> = job.attempts.iter().map(|attempt| attempt.number).collect();
        if !numbers.iter().copied().eq(1..=u32::try_from(numbers.len()).unwrap_or(u32::MAX)) {
            seen.push(format!("job {id} has the attempts {numbers:?}"));
        }
        for Attempt { number, session, started_us, finished_us, outcome } in &job.attempts {
            if outcome.is_empty() || finished_us < started_us {
                seen.push(format!("attempt {number} of job {id} has no end: {outcome:?}"));
            }
            if !book.sessions.contains_key(session) {
                seen.push(format!("attempt {number} of job {id} has no host: there is no session {session}"));
            }
        }
        let uncounted = count(job, &["lost", "released"]);
        let rounds = 1 + book.retried.get(id.as_str()).copied().unwrap_or(0);
        let allowed = job.max_attempts.saturating_mul(rounds).saturating_add(uncounted);
        if numbers.len() > allowed as usize {
            seen.push(format!("job {id} was tried {} times; {allowed} are allowed", numbers.len()));
        }
    }
    found.add(Invariant::Attempts, seen);
}

fn fencing(book: &Book<'_>, found: &mut Found) {
    let mut seen = Vec::new();
    for job in book.stored() {
        let id = &job.id;
        for pair in job.attempts.windows(2) {
            if pair[1].started_us < pair[0].finished_us {
                let (one, two) = (pair[0].number, pair[1].number);
                seen.push(format!("attempt {two} of job {id} began before attempt {one} had ended"));
            }
        }
        for attempt in &job.attempts {
            let Some(session) = book.sessions.get(&attempt.session) else { continue };
            let number = attempt.number;
            if attempt.started_us < session.started_us {
                seen.push(format!("attempt {number} of job {id} is older than its session"));
            }
            let Some(closed_us) = session.closed_us else { continue };
            if attempt.started_us > closed_us {
                seen.push(format!("attempt {number} of job {id} was claimed by a closed session"));
            }
            // The transaction that closes a session takes a moment; what is recorded meanwhile came before it.
            if attempt.finished_us > closed_us + ON_ITS_WAY_US
                && !matches!(attempt.outcome.as_str(), "lost" | "released")
            {
                let outcome = &attempt.outcome;
                seen.push(format!(
                    "attempt {number} of job {id} was recorded as {outcome} by a closed session"
                ));
            }
            let late = book
                .effects
                .get(id.as_str())
                .into_iter()
                .flatten()
                .filter(|(at_us, effect)| effect.attempt == number && *at_us > closed_us + ON_ITS_WAY_US);
            seen.extend(late.map(|(at_us, _)| {
                let late_ms = (at_us - closed_us) / 1000;
                format!(
                    "attempt {number} of job {id} called the sink {late_ms} ms after its session was closed"
                )
            }));
        }
    }
    found.add(Invariant::Fencing, seen);
}

fn no_zombies(book: &Book<'_>, found: &mut Found) {
    let Some(truth) = book.truth else { return };
    let standing = truth.standing;
    let counts = [
        (standing.orphans, "run under a closed session"),
        (standing.due, "are due and wait"),
        (standing.running, "run"),
    ];
    let seen =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} jobs {how}"));
    found.add(Invariant::NoZombies, seen.collect());
}

fn processes(book: &Book<'_>, found: &mut Found) {
    let mut seen = Vec::new();
    for process in &book.processes {
        let name = &process.name;
        if !process.restarted && process.pid_before != process.pid_after {
            let (before, after) = (process.pid_before, process.pid_after);
            seen.push(format!("{name} was not killed, and is {after:?} instead of {before:?}"));
        }
        if process.panics > 0 {
            seen.push(format!("{name} panicked {} times", process.panics));
        }
        let (before, after) = (process.resident_before_kib, process.resident_after_kib);
        if before > 0 && after > before + RESIDENT_MORE_KIB {
            seen.push(format!("{name} held {} MiB before and holds {} MiB", before >> 10, after >> 10));
        }
    }
    found.add(Invariant::Processes, seen);
}

fn duplicates(book: &Book<'_>, found: &mut Found) {
    let mut seen = Vec::new();
    for (id, effects) in &book.effects {
        let Some(job) = book.jobs.get(id) else {
            seen.push(format!("the sink saw job {id}, which is not there"));
            continue;
        };
        let mut executions: BTreeMap<u32, usize> = BTreeMap::new();
        let mut keys: BTreeMap<u32, BTreeSet<Option<&str>>> = BTreeMap::new();
        for (_, effect) in effects {
            *executions.entry(effect.effect).or_default() += 1;
            keys.entry(effect.effect).or_default().insert(effect.key.as_deref());
        }
        let most = executions.values().copied().max().unwrap_or(0);
        let allowed = 1 + count(job, &["failed", "released"]) as usize + hits(book, job);
        if most > allowed {
            seen.push(format!("job {id} ran {most} times at the sink; {allowed} are allowed"));
        }
        for (number, known) in keys.iter().filter(|(_, known)| known.len() > 1 || known.contains(&None)) {
            seen.push(format!(
                "call {number} of job {id} did not carry one key over all attempts: {known:?}"
            ));
        }
    }
    found.add(Invariant::Duplicates, seen);
}

fn count(job: &Job, outcomes: &[&str]) -> u32 {
    let counted = job.attempts.iter().filter(|attempt| outcomes.contains(&attempt.outcome.as_str()));
    u32::try_from(counted.count()).unwrap_or(u32::MAX)
}

/// Faults that hit a host of the job, or its lease.
fn hits(book: &Book<'_>, job: &Job) -> usize {
    book.faults.values().filter(|spell| hit(book, spell, job)).count()
}

fn hit(book: &Book<'_>, spell: &Spell<'_>, job: &Job) -> bool {
    let met = |attempt: &Attempt| {
        attempt.finished_us >= spell.from_us && spell.until_us.is_none_or(|until| attempt.started_us <= until)
    };
    match spell.hit {
        Hit::Nobody => false,
        Hit::Job(id) => *id == job.id,
        Hit::Everybody => job.attempts.iter().any(met) || was_at_work(book, spell, job),
        Hit::Host(name) => job.attempts.iter().any(|attempt| {
            met(attempt) && book.sessions.get(&attempt.session).is_some_and(|session| session.host == *name)
        }),
    }
}

/// Whether the sink saw the job during the fault, or just before it.
fn was_at_work(book: &Book<'_>, spell: &Spell<'_>, job: &Job) -> bool {
    let during = |at_us: i64| {
        at_us >= spell.from_us - FORGOTTEN_US && spell.until_us.is_none_or(|until| at_us <= until)
    };
    book.effects.get(job.id.as_str()).into_iter().flatten().any(|(at_us, _)| during(*at_us))
}

//! A trial's lines, sorted by what they are about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::event::{Effect, Event, FaultId, Hit, Line, Process};
use crate::truth::{Job, Session, Truth};

use super::Summary;

/// A fault with its times.
#[derive(Debug)]
pub(super) struct Spell<'a> {
    pub(super) hit: &'a Hit,
    pub(super) from_us: i64,
    /// None: nobody said that it was over.
    pub(super) until_us: Option<i64>,
}

/// What a trial's lines say.
#[derive(Debug, Default)]
pub(super) struct Book<'a> {
    pub(super) trial: &'a str,
    /// Ids that were asked for, with their keys.
    pub(super) asked: BTreeMap<&'a str, Option<&'a str>>,
    /// Ids that clients were told are stored.
    pub(super) told: BTreeSet<&'a str>,
    /// By key, the jobs that clients were told of.
    pub(super) told_by_key: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// How clients were told that jobs ended.
    pub(super) ended: Vec<(&'a str, &'a str)>,
    /// How often each job was retried by hand.
    pub(super) retried: HashMap<&'a str, u32>,
    /// Calls of the sink by job, with their times.
    pub(super) effects: HashMap<&'a str, Vec<(i64, &'a Effect)>>,
    pub(super) faults: BTreeMap<FaultId, Spell<'a>>,
    pub(super) processes: Vec<&'a Process>,
    pub(super) truth: Option<&'a Truth>,
    pub(super) sessions: HashMap<i64, &'a Session>,
    pub(super) jobs: HashMap<&'a str, &'a Job>,
}

impl<'a> Book<'a> {
    pub(super) fn of(lines: &'a [Line]) -> Self {
        let mut book = Self::default();
        for line in lines {
            book.enter(line);
        }
        // A trial may look more than once; the last look counts.
        if let Some(truth) = book.truth {
            book.sessions = truth.sessions.iter().map(|session| (session.id, session)).collect();
            book.jobs = truth.jobs.iter().map(|job| (job.id.as_str(), job)).collect();
        }
        book
    }

    fn enter(&mut self, line: &'a Line) {
        match &line.event {
            Event::Trial { name } => self.trial = name,
            Event::Asked { job, key } => {
                self.asked.insert(job, key.as_deref());
            }
            Event::Told { asked, job } => {
                self.told.insert(job);
                if let Some(Some(key)) = self.asked.get(asked.as_str()) {
                    self.told_by_key.entry(key).or_default().insert(job);
                }
            }
            Event::Refused { .. } => {}
            Event::Ended { job, state } => self.ended.push((job, state)),
            Event::Retried { job } => *self.retried.entry(job).or_default() += 1,
            Event::Effect(effect) => self.effects.entry(&effect.job).or_default().push((line.at_us, effect)),
            Event::Fault(fault) => {
                let spell = Spell { hit: &fault.hit, from_us: line.at_us, until_us: None };
                self.faults.insert(fault.fault, spell);
            }
            Event::Over { fault } => {
                if let Some(spell) = self.faults.get_mut(fault) {
                    spell.until_us = Some(line.at_us);
                }
            }
            Event::Process(process) => {
                self.processes.retain(|known| known.name != process.name);
                self.processes.push(process);
            }
            Event::Truth(truth) => self.truth = Some(truth),
        }
    }

    /// The store's jobs.
    pub(super) fn stored(&self) -> impl Iterator<Item = &'a Job> + use<'a> {
        self.truth.into_iter().flat_map(|truth| &truth.jobs)
    }

    pub(super) fn summary(&self) -> Summary {
        let attempts = || self.stored().flat_map(|job| &job.attempts);
        let lost = self.told.iter().filter(|id| !self.jobs.get(**id).is_some_and(|job| is_final(&job.state)));
        Summary {
            trial: self.trial.to_owned(),
            faults: self.faults.len(),
            jobs: self.told.len(),
            lost: lost.count(),
            duplicate_successes: self.stored().map(|job| successes(job).saturating_sub(1)).sum(),
            effects: self.effects.values().map(Vec::len).sum(),
            attempts: attempts().count(),
            lost_attempts: attempts().filter(|attempt| attempt.outcome == "lost").count(),
            violations: Vec::new(),
        }
    }
}

pub(super) fn is_final(state: &str) -> bool {
    matches!(state, "succeeded" | "failed" | "cancelled")
}

pub(super) fn successes(job: &Job) -> usize {
    job.attempts.iter().filter(|attempt| attempt.outcome == "succeeded").count()
}

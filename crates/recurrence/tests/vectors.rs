//! Instants that at least two independent oracles agree on: `scripts/make-schedule-vectors` made them, and
//! `vectors/oracles.py` says who speaks for what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use model::schedule::{DstGap, DstOverlap, ScheduleSpec, Timing};
use recurrence::Recurrence;
use serde::Deserialize;

const CIVIL: &str = include_str!("vectors/civil.jsonl");
const ZONES: &str = include_str!("vectors/zones.jsonl");

#[derive(Debug, Deserialize)]
struct Vector {
    cron: String,
    by: String,
    #[serde(default = "utc")]
    zone: String,
    #[serde(default = "after")]
    gap: String,
    #[serde(default = "first")]
    overlap: String,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
    at: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn after() -> String {
    "after".to_owned()
}

fn first() -> String {
    "first".to_owned()
}

impl Vector {
    fn all() -> impl Iterator<Item = Self> {
        CIVIL.lines().chain(ZONES.lines()).map(|line| serde_json::from_str(line).expect(line))
    }

    fn recurrence(&self) -> Recurrence {
        let spec = ScheduleSpec::new("t".parse().expect("a task"), Timing::Cron(self.cron.clone()));
        let spec = ScheduleSpec {
            timezone: self.zone.clone(),
            dst_gap: self.gap.parse::<DstGap>().expect("a policy"),
            dst_overlap: self.overlap.parse::<DstOverlap>().expect("a policy"),
            ..spec
        };
        Recurrence::of(&spec).expect("a vector's spec")
    }

    /// The instants: `900*4` are four steps of 900 seconds.
    fn instants(&self) -> Vec<DateTime<Utc>> {
        let mut at = self.from;
        let mut instants = Vec::new();
        for run in self.at.split_whitespace() {
            let (step, count) = run.split_once('*').unwrap_or((run, "1"));
            for _ in 0..count.parse().expect("a count") {
                at += TimeDelta::seconds(step.parse().expect("a step"));
                instants.push(at);
            }
        }
        instants
    }
}

#[test]
fn each_vector_is_told_forwards_backwards_and_from_within() {
    for vector in Vector::all() {
        let recurrence = vector.recurrence();
        let instants = vector.instants();
        let (from, before) = (vector.from, vector.before);

        assert_eq!(recurrence.between(from, before).collect::<Vec<_>>(), instants, "{vector:?}");
        assert_eq!(recurrence.last(from, before, usize::MAX), instants, "from behind: {vector:?}");
        let last = instants.len().saturating_sub(3);
        assert_eq!(recurrence.last(from, before, 3), instants[last..], "the last: {vector:?}");
        assert_eq!(recurrence.count(from, before), instants.len() as u64, "counted: {vector:?}");
        for (index, at) in instants.iter().enumerate() {
            let next = instants.get(index + 1);
            let found = recurrence.after(*at).filter(|found| *found < before);
            assert_eq!(found.as_ref(), next, "after {at}: {vector:?}");
            let until = next.copied().unwrap_or(before);
            let within = *at + (until - *at) / 2;
            assert_eq!(
                recurrence.last(from, within, 1),
                within_last(&instants[..=index], within),
                "{vector:?}"
            );
            let found = recurrence.after(within).filter(|found| *found < before);
            assert_eq!(found.as_ref(), next, "after {within}: {vector:?}");
        }
    }
}

/// The last of them before `before`.
fn within_last(instants: &[DateTime<Utc>], before: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    instants.iter().rev().find(|at| **at < before).copied().into_iter().collect()
}

#[test]
fn all_1632_vectors_have_two_oracles_or_three() {
    let mut by_oracles = BTreeMap::new();
    let mut zones = BTreeSet::new();
    for vector in Vector::all() {
        assert!(vector.by.split(' ').count() >= 2, "{vector:?}");
        *by_oracles.entry(vector.by).or_insert(0) += 1;
        zones.insert(vector.zone);
    }

    let counted = BTreeMap::from([("walk debian mapped".to_owned(), 601), ("walk mapped".to_owned(), 1_031)]);
    assert_eq!(by_oracles, counted);
    assert_eq!(zones.len(), 24);
}

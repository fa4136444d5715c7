//! I7: nothing starts before its time, and each instant of a schedule has one job or one recorded skip.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat};

use crate::truth::{Fire, Kind, Schedule};

use super::Invariant;
use super::book::Book;
use super::rules::Found;

pub(super) fn schedules(book: &Book<'_>, found: &mut Found) {
    let mut seen = Vec::new();
    starts(book, &mut seen);
    let mut records: BTreeMap<&str, Vec<&Fire>> = BTreeMap::new();
    for fire in book.truth.into_iter().flat_map(|truth| &truth.fires) {
        records.entry(&fire.schedule).or_default().push(fire);
    }
    for (name, fires) in &mut records {
        fires.sort_by_key(|fire| (fire.instant_us, last_of(fire), fire.job.is_none()));
        times(name, fires, book, &mut seen);
        once(name, fires, &mut seen);
    }
    for schedule in book.truth.into_iter().flat_map(|truth| &truth.schedules) {
        let fires = records.get(schedule.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        all_there(schedule, fires, &mut seen);
    }
    found.add(Invariant::Schedules, seen);
}

/// No job began before its time.
fn starts(book: &Book<'_>, seen: &mut Vec<String>) {
    for job in book.stored() {
        if let Some(first) = job.attempts.first().filter(|first| first.started_us < job.run_at_us) {
            let early_ms = (job.run_at_us - first.started_us) / 1000;
            seen.push(format!("job {} began {early_ms} ms before its time", job.id));
        }
    }
}

/// Every job is there and not older than its instant; nothing was decided before its instant had come.
fn times(name: &str, fires: &[&Fire], book: &Book<'_>, seen: &mut Vec<String>) {
    for fire in fires {
        let at = show(fire.instant_us);
        if let Some(id) = fire.job.as_deref() {
            match book.jobs.get(id) {
                None => seen.push(format!("{name} fired the job {id} for {at}, which is not there")),
                Some(job) if job.run_at_us < fire.instant_us => {
                    seen.push(format!("{name}: job {id} may run before {at}, its instant"));
                }
                Some(_) => {}
            }
        }
        let last_us = last_of(fire);
        if let Some(recorded_us) = fire.recorded_us.filter(|recorded_us| *recorded_us < last_us) {
            let (what, early_ms) = (became(fire), (last_us - recorded_us) / 1000);
            seen.push(format!("{name} {what} for {} {early_ms} ms before it", show(last_us)));
        }
    }
}

/// No instant made two jobs, and what was skipped made none, unless somebody asked for it afterwards.
fn once(name: &str, fires: &[&Fire], seen: &mut Vec<String>) {
    let jobs = fires.iter().filter(|fire| fire.job.is_some());
    let mut before = None;
    for job in jobs {
        if before == Some(job.instant_us) {
            seen.push(format!("{name} fired twice for {}", show(job.instant_us)));
        }
        before = Some(job.instant_us);
    }
    // A range of skipped instants of the clock says nothing about the moments at which somebody triggered.
    for kind in [Kind::Clock, Kind::Trigger] {
        let mut skipped_us = i64::MIN;
        for fire in fires.iter().filter(|fire| fire.kind == kind && fire.job.is_none()) {
            if fire.instant_us <= skipped_us {
                seen.push(format!("{name} skipped {} twice", show(fire.instant_us)));
            }
            skipped_us = skipped_us.max(last_of(fire));
        }
        let skips = fires.iter().filter(|fire| fire.kind == kind && fire.job.is_none());
        let firsts: BTreeMap<i64, i64> = skips.map(|skip| (skip.instant_us, last_of(skip))).collect();
        for fire in fires.iter().filter(|fire| fire.kind == kind && fire.job.is_some()) {
            let at_us = fire.instant_us;
            if firsts.range(..=at_us).next_back().is_some_and(|(_, last_us)| at_us <= *last_us) {
                seen.push(format!("{name} fired for {}, and skipped it", show(at_us)));
            }
        }
    }
}

/// Something became of every instant, and the clock named no other.
fn all_there(schedule: &Schedule, fires: &[&Fire], seen: &mut Vec<String>) {
    let Schedule { name, first_us, last_us, period_us } = schedule;
    if *period_us <= 0 {
        seen.push(format!("{name} has no period: {period_us} µs"));
        return;
    }
    let within = |fire: &&&Fire| fire.instant_us >= *first_us && fire.instant_us <= *last_us;
    for fire in fires.iter().filter(within).filter(|fire| fire.kind == Kind::Clock) {
        if (fire.instant_us - first_us) % period_us != 0 {
            seen.push(format!(
                "{name} {} for {}, which is none of its instants",
                became(fire),
                show(fire.instant_us)
            ));
        }
    }
    let made: BTreeSet<i64> =
        fires.iter().filter(|fire| fire.job.is_some()).map(|fire| fire.instant_us).collect();
    let mut skips = fires.iter().filter(|fire| fire.job.is_none() && fire.kind == Kind::Clock).peekable();
    let mut missing = Vec::new();
    let mut at_us = *first_us;
    while at_us <= *last_us {
        while skips.next_if(|skip| last_of(skip) < at_us).is_some() {}
        let skipped = skips.peek().is_some_and(|skip| skip.instant_us <= at_us);
        if !skipped && !made.contains(&at_us) {
            missing.push(at_us);
        }
        at_us += period_us;
    }
    if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
        let (count, first, last) = (missing.len(), show(*first), show(*last));
        seen.push(format!("{name}: nothing became of {count} instants from {first} to {last}"));
    }
}

fn last_of(fire: &Fire) -> i64 {
    fire.until_us.unwrap_or(fire.instant_us)
}

fn became(fire: &Fire) -> &'static str {
    if fire.job.is_some() { "fired" } else { "skipped" }
}

/// An instant for people.
fn show(at_us: i64) -> String {
    let at = DateTime::from_timestamp_micros(at_us);
    at.map_or_else(|| at_us.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

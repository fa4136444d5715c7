//! Instants of a schedule, one a line, and the days on which clocks change.

use chrono::{DateTime, Utc};
use recurrence::{Anomaly, Zone};
use serde::Serialize;

use super::escape;
use super::time::{Times, relative, said};
use super::view::View;
use super::zone;
use crate::args::TimeStyle;

/// Instants of one day that are told one by one.
const FIRES_OF_DAY_MAX: usize = 12;

/// What `schedule preview` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Preview<'a> {
    timezone: &'a str,
    description: &'a str,
    /// None when a year was asked about.
    fires: Option<Vec<String>>,
    notes: Vec<String>,
    year: Option<i16>,
    days: Option<Vec<Day<'a>>>,
}

/// A day on which clocks change and a schedule therefore fires otherwise.
#[derive(Debug, Serialize)]
struct Day<'a> {
    day: String,
    change_at: String,
    shift_s: i32,
    effect: &'a str,
    fires: Vec<String>,
}

/// What is told about a schedule by whoever has its calendar.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) timezone: String,
    pub(crate) zone: Zone,
    pub(crate) description: String,
    pub(crate) fires: Vec<DateTime<Utc>>,
    /// Days on which clocks change, among the instants or in the year.
    pub(crate) anomalies: Vec<Anomaly>,
    pub(crate) year: Option<i16>,
}

impl Told {
    /// The same with no more than so many instants.
    pub(crate) fn first(mut self, most: usize) -> Self {
        self.fires.truncate(most);
        self
    }

    /// For programs.
    pub(crate) fn preview(&self) -> Preview<'_> {
        let days = self.anomalies.iter().map(|anomaly| Day {
            day: anomaly.day.to_string(),
            change_at: said(anomaly.change_at),
            shift_s: anomaly.shift_s,
            effect: &anomaly.effect,
            fires: anomaly.fires.iter().copied().map(said).collect(),
        });
        Preview {
            timezone: &self.timezone,
            description: &self.description,
            fires: self.year.is_none().then(|| self.fires.iter().copied().map(said).collect()),
            notes: self.anomalies.iter().map(note).collect(),
            year: self.year,
            days: self.year.map(|_| days.collect()),
        }
    }

    /// For people: what it says, and its instants, or the days of its year.
    pub(crate) fn text(&self, view: &View, times: Times) -> String {
        let says = view.paint.bold(&escape::line(&self.description));
        match self.year {
            Some(year) => format!("{says}\n{}", self.days(view, year)),
            None if self.fires.is_empty() => format!("{says}\nit does not fire from then on"),
            None => format!("{says}\n\n{}{}", self.lines(view, times, ""), notes(view, &self.anomalies)),
        }
    }

    /// The instants: on the clock of the zone, in UTC, and how far away. Those that a change of clocks is about have a mark.
    pub(crate) fn lines(&self, view: &View, times: Times, indent: &str) -> String {
        let locals: Vec<_> = self.fires.iter().map(|at| self.zone.local(*at)).collect();
        let utc: Vec<_> = self.fires.iter().copied().map(said).collect();
        let width = utc.iter().map(String::len).max().unwrap_or(0);
        let is_marked = |at: DateTime<Utc>| {
            let mut changes = self.anomalies.iter();
            changes.any(|anomaly| zone::is_at_change(at, anomaly.change_at, anomaly.shift_s))
        };
        let mut text = String::new();
        for ((at, local), utc) in self.fires.iter().zip(zone::readings(&locals)).zip(utc) {
            let mark = if is_marked(*at) { view.paint.cyan("*") } else { " ".to_owned() };
            let line = match times.style {
                TimeStyle::Iso => format!("{indent}{local} {mark} {}", view.paint.dim(&utc)),
                TimeStyle::Relative => {
                    let utc = view.paint.dim(&format!("{utc:width$}"));
                    format!("{indent}{local} {mark} {utc}  {}", relative(*at, times.now))
                }
            };
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The days of a year, each with what it means and what fires.
    fn days(&self, view: &View, year: i16) -> String {
        if self.anomalies.is_empty() {
            return format!("no change of clocks in {year} makes a difference to it\n");
        }
        let mut text = String::new();
        for anomaly in &self.anomalies {
            text.push_str(&format!("\n{}\n", view.wrapped(&escape::line(&note(anomaly)), 0)));
            text.push_str(&self.fires_of(view, anomaly));
        }
        text
    }

    /// The instants of a day, unless they are more than one reads; what is odd about them is said above them.
    fn fires_of(&self, view: &View, anomaly: &Anomaly) -> String {
        let locals: Vec<_> = anomaly.fires.iter().map(|at| self.zone.local(*at)).collect();
        if locals.len() > FIRES_OF_DAY_MAX {
            return String::new();
        }
        let fires = zone::readings(&locals).into_iter().zip(&anomaly.fires);
        fires.map(|(local, at)| format!("  {local}  {}\n", view.paint.dim(&said(*at)))).collect()
    }
}

/// What days on which clocks change mean, below the instants.
pub(crate) fn notes(view: &View, anomalies: &[Anomaly]) -> String {
    let notes = anomalies.iter().map(|anomaly| {
        let note = view.wrapped(&escape::line(&note(anomaly)), 2);
        format!("{} {note}\n", view.paint.cyan("*"))
    });
    let notes: String = notes.collect();
    if notes.is_empty() { notes } else { format!("\n{notes}") }
}

/// `Sun 2026-03-29, clocks go forward by 1h: 02:30 does not exist; it fires at 03:00`.
fn note(anomaly: &Anomaly) -> String {
    format!("{}, clocks go {}: {}", zone::day(anomaly.day), zone::change(anomaly.shift_s), anomaly.effect)
}

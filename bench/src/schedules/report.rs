//! What came of it: for a terminal and for `docs/SCHEDULING.md` the same text, for programs JSON.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::due::{self, Due};
use super::idle::{self, Idle};
use super::listing::Listing;
use super::making::Making;
use super::setting::SLOTS;
use crate::{Machine, Percentiles, Side, Table};

/// What the benchmark was told.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// How many schedules.
    pub schedules: usize,
    /// How many of them are due in one second.
    pub due: usize,
    /// Idle ticks to wait for.
    pub ticks: usize,
}

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// What `jobctl version` says.
    pub version: Value,
    /// What was asked for.
    pub settings: Settings,
    /// How fast schedules were made.
    pub making: Making,
    /// Ticks without a schedule, and with all of them.
    pub idle: Vec<Idle>,
    /// What became of those that were due in one second.
    pub due: Due,
    /// Pages.
    pub listings: Vec<Listing>,
}

impl Report {
    /// Whether every goal was met.
    #[must_use]
    pub fn met(&self) -> bool {
        self.idle.iter().all(|idle| idle.met) && self.due.met
    }

    fn head(&self) -> String {
        let version = self.version["version"].as_str().unwrap_or("unknown");
        let Settings { schedules, due, .. } = self.settings;
        format!(
            "Measured: {}.  \njobctl {version}: one scheduler, one host with {SLOTS} slots, PostgreSQL with `fsync`, Redis. \
             {schedules} schedules, {due} of them due in one second.\n",
            self.machine
        )
    }

    fn making_line(&self) -> String {
        let Making { schedules, in_flight, seconds, per_second, took_ms } = &self.making;
        let Percentiles { p50, p99, .. } = took_ms;
        format!(
            "{schedules} schedules were made through the API in {seconds:.0} s, {per_second:.0} a second, with {in_flight} \
             calls in flight; a call took {p50:.1} ms (p50) and {p99:.1} ms (p99)."
        )
    }

    fn idle_table(&self) -> Table {
        let mut table = table(&[("schedules", Side::Right), ("ticks", Side::Right)], true);
        for Idle { schedules, ticks, took_ms, met } in &self.idle {
            let goal = format!("p99 < {}", idle::GOAL_MS);
            let [p50, p90, p99, max] = shown(*took_ms);
            table.row([schedules.to_string(), ticks.to_string(), p50, p90, p99, max, goal, verdict(*met)]);
        }
        table
    }

    fn due_table(&self) -> Table {
        let Due { schedules, fired_ms, begun_ms, ended_ms, met, .. } = &self.due;
        let mut table = table(&[("from the instant until", Side::Left), ("jobs", Side::Right)], true);
        let goal = format!("max ≤ {}, none early", due::GOAL_MS);
        let none = || "–".to_owned();
        let rows = [
            ("the job was made", fired_ms, goal, verdict(*met)),
            ("a host had it", begun_ms, none(), none()),
            ("its end was recorded", ended_ms, none(), none()),
        ];
        for (until, late_ms, goal, verdict) in rows {
            let [p50, p90, p99, max] = shown(*late_ms);
            table.row([until.to_owned(), schedules.to_string(), p50, p90, p99, max, goal, verdict]);
        }
        table
    }

    fn listings_table(&self) -> Table {
        let mut table = table(&[("page of 50", Side::Left), ("times", Side::Right)], false);
        for Listing { what, times, took_ms } in &self.listings {
            let [p50, p90, p99, max] = shown(*took_ms);
            table.row([(*what).to_owned(), times.to_string(), p50, p90, p99, max]);
        }
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head())?;
        if let Some(doubt) = self.machine.doubt() {
            writeln!(f, "**Mind: {doubt}.**\n")?;
        }
        writeln!(f, "{}\n", self.making_line())?;
        writeln!(f, "### A tick of the leader with nothing due\n\n{}", self.idle_table())?;
        let Due { schedules, others, early, .. } = self.due;
        writeln!(
            f,
            "### {schedules} schedules due in one second, beside {others} others\n\n{}\nMade before their instant: {early}.\n",
            self.due_table()
        )?;
        writeln!(f, "### A page of {} schedules\n\n{}", self.settings.schedules, self.listings_table())
    }
}

/// A table of times in milliseconds, with or without a goal.
fn table(first: &[(&'static str, Side)], judged: bool) -> Table {
    let times = ["p50 ms", "p90 ms", "p99 ms", "max ms"].map(|name| (name, Side::Right));
    let goal = [("goal", Side::Left), ("verdict", Side::Left)];
    let goal = if judged { &goal[..] } else { &[] };
    Table::new(&[first, &times, goal].concat())
}

fn verdict(met: bool) -> String {
    if met { "met".to_owned() } else { "MISSED".to_owned() }
}

fn shown(percentiles: Percentiles) -> [String; 4] {
    let Percentiles { p50, p90, p99, max } = percentiles;
    [p50, p90, p99, max].map(|ms| format!("{ms:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Percentiles = Percentiles { p50: 0.1, p90: 0.2, p99: 0.3, max: 0.4 };

    fn report() -> Report {
        Report {
            machine: Machine::look(),
            version: serde_json::json!({"version": "0.1.0"}),
            settings: Settings { schedules: 100, due: 10, ticks: 5 },
            making: Making { schedules: 100, in_flight: 64, seconds: 2.0, per_second: 50.0, took_ms: QUICK },
            idle: vec![Idle { schedules: 100, ticks: 5, took_ms: QUICK, met: true }],
            due: Due {
                schedules: 10,
                others: 90,
                early: 0,
                fired_ms: QUICK,
                begun_ms: QUICK,
                ended_ms: QUICK,
                met: true,
            },
            listings: vec![Listing { what: "the API", times: 20, took_ms: QUICK }],
        }
    }

    #[test]
    fn a_report_tells_every_part_in_text_and_json() {
        let report = report();

        let text = report.to_string();

        for part in ["50 a second", "| the job was made", "beside 90 others", "| the API", "dev build"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["due"]["fired_ms"]["max"], 0.4);
    }

    #[test]
    fn one_goal_that_was_missed_is_enough() {
        let met = report();
        let (mut slow, mut late) = (report(), report());
        slow.idle[0].met = false;
        late.due.met = false;

        assert!(met.met() && !slow.met() && !late.met());
        assert!(late.to_string().contains("MISSED"));
    }
}

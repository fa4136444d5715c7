//! What came of it: for a terminal and for `docs/STOPPING.md` the same text, for programs JSON.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::command_line::{CommandLine, GOAL_MS};
use super::latency::Stops;
use super::pace::{Memory, Pace};
use super::setting::SLOTS;
use crate::{Machine, Percentiles, Side, Table};

/// The page around the tables; they stand in the place of `{report}`.
const PAGE: &str = include_str!("page.md");

/// The columns of every table of stops.
const STOP_COLUMNS: [(&str, Side); 8] = [
    ("kind", Side::Left),
    ("stops", Side::Right),
    ("p50 ms", Side::Right),
    ("p90 ms", Side::Right),
    ("p99 ms", Side::Right),
    ("max ms", Side::Right),
    ("goal", Side::Left),
    ("verdict", Side::Left),
];

/// What the benchmark was told.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// Stops of each kind of guest.
    pub stops: usize,
    /// Stops of each kind by the command.
    pub commands: usize,
    /// Attempts that trap, and memory bombs.
    pub troubles: usize,
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
    /// Part one.
    pub stops: Vec<Stops>,
    /// Part two.
    pub command_line: Vec<CommandLine>,
    /// Part three.
    pub pace: Vec<Pace>,
    /// What it left behind.
    pub memory: Memory,
}

impl Report {
    /// Whether every goal was met.
    #[must_use]
    pub fn met(&self) -> bool {
        self.stops.iter().all(|stops| stops.met)
            && self.command_line.iter().all(|line| line.met)
            && self.pace.iter().all(|pace| pace.met)
            && self.memory.met
    }

    /// `docs/STOPPING.md`.
    #[must_use]
    pub fn page(&self) -> String {
        PAGE.replace("{report}", self.to_string().trim_end())
    }

    fn head(&self) -> String {
        let (jobctl, wasmtime) = (text(&self.version["version"]), text(&self.version["wasmtime"]));
        let Settings { stops, commands, troubles } = self.settings;
        format!(
            "Measured: {}.  \njobctl {jobctl}, wasmtime {wasmtime}, `jobctl dev` with {SLOTS} slots. {stops} stops of \
             each kind, {commands} by the command; at least {troubles} traps and {troubles} memory bombs.\n",
            self.machine
        )
    }

    fn stops_table(&self) -> Table {
        let seen = ["seen p50", "seen p99", "seen max"].map(|name| (name, Side::Right));
        let mut table = Table::new(&[&STOP_COLUMNS[..], &seen].concat());
        for Stops { kind, stops, early: _, latency_ms, seen_ms, goal, met } in &self.stops {
            let [p50, p90, p99, max] = shown(*latency_ms);
            let [seen_p50, _, seen_p99, seen_max] = shown(*seen_ms);
            table.row([
                kind.clone(),
                stops.to_string(),
                p50,
                p90,
                p99,
                max,
                goal.to_string(),
                verdict(*met),
                seen_p50,
                seen_p99,
                seen_max,
            ]);
        }
        table
    }

    fn command_line_table(&self) -> Table {
        let mut table = Table::new(&STOP_COLUMNS);
        for CommandLine { kind, stops, took_ms, met } in &self.command_line {
            let [p50, p90, p99, max] = shown(*took_ms);
            let goal = format!("max < {GOAL_MS}");
            table.row([kind.clone(), stops.to_string(), p50, p90, p99, max, goal, verdict(*met)]);
        }
        table
    }

    fn pace_table(&self) -> Table {
        let columns = [
            ("beside", Side::Left),
            ("for s", Side::Right),
            ("offered", Side::Right),
            ("a second", Side::Right),
            ("p50 ms", Side::Right),
            ("p99 ms", Side::Right),
            ("max ms", Side::Right),
            ("goal", Side::Left),
            ("verdict", Side::Left),
        ];
        let mut table = Table::new(&columns);
        for (index, Pace { beside, seconds, offered, per_second, took_ms, met }) in
            self.pace.iter().enumerate()
        {
            let [p50, _, p99, max] = shown(*took_ms);
            let (goal, verdict) = match index {
                0 => ("–".to_owned(), "–".to_owned()),
                _ => ("90 % of alone".to_owned(), verdict(*met)),
            };
            let (seconds, per_second) = (format!("{seconds:.1}"), format!("{per_second:.1}"));
            table.row([
                beside.clone(),
                seconds,
                offered.to_string(),
                per_second,
                p50,
                p99,
                max,
                goal,
                verdict,
            ]);
        }
        table
    }

    fn memory_line(&self) -> String {
        let Memory { before_kib, after_kib, met } = self.memory;
        let (before, after) = (mib(before_kib), mib(after_kib));
        format!(
            "Resident memory: {before} MiB before, {after} MiB after; goal: within 64 MiB; {}.",
            verdict(met)
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head())?;
        if let Some(doubt) = self.machine.doubt() {
            writeln!(f, "**Mind: {doubt}.**\n")?;
        }
        writeln!(f, "### From the host's hearing of it to the end of the guest\n\n{}", self.stops_table())?;
        writeln!(
            f,
            "### From the start of `jobctl job cancel ID` to the recorded end\n\n{}",
            self.command_line_table()
        )?;
        writeln!(f, "### Short jobs of another queue, beside trouble\n\n{}", self.pace_table())?;
        writeln!(f, "{}", self.memory_line())
    }
}

fn verdict(met: bool) -> String {
    if met { "met".to_owned() } else { "MISSED".to_owned() }
}

fn shown(percentiles: Percentiles) -> [String; 4] {
    let Percentiles { p50, p90, p99, max } = percentiles;
    [p50, p90, p99, max].map(|ms| format!("{ms:.3}"))
}

fn mib(kib: u64) -> u64 {
    kib >> 10
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopping::Goal;

    const QUICK: Percentiles = Percentiles { p50: 0.1, p90: 0.2, p99: 0.3, max: 0.4 };

    fn report() -> Report {
        let goal = Goal::AtOnce;
        let stops = Stops {
            kind: "computing".to_owned(),
            stops: 5,
            early: 0,
            latency_ms: QUICK,
            seen_ms: QUICK,
            goal,
            met: true,
        };
        let pace = Pace {
            beside: "nothing".to_owned(),
            seconds: 5.0,
            offered: 250,
            per_second: 50.0,
            took_ms: QUICK,
            met: true,
        };
        Report {
            machine: Machine::look(),
            version: serde_json::json!({"version": "0.1.0", "wasmtime": "48.0.8"}),
            settings: Settings { stops: 5, commands: 2, troubles: 10 },
            stops: vec![stops],
            command_line: vec![CommandLine {
                kind: "computing".to_owned(),
                stops: 2,
                took_ms: QUICK,
                met: true,
            }],
            pace: vec![pace],
            memory: Memory { before_kib: 50 << 10, after_kib: 60 << 10, met: true },
        }
    }

    #[test]
    fn a_report_tells_every_part_in_text_and_json() {
        let report = report();

        let page = report.page();

        for part in
            ["wasmtime 48.0.8", "| computing |", "| nothing |", "50 MiB before, 60 MiB after", "dev build"]
        {
            assert!(page.contains(part), "{part:?} is not in {page}");
        }
        assert!(!page.contains("{report}"), "{page}");
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["stops"][0]["latency_ms"]["p99"], 0.3);
    }

    #[test]
    fn one_goal_that_was_missed_is_enough() {
        let met = report();
        let mut missed = report();
        missed.memory.met = false;

        assert!(met.met() && !missed.met());
        assert!(missed.to_string().contains("MISSED"));
    }
}

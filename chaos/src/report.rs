//! The table: for a terminal and for `docs/RELIABILITY.md` the same.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use bench::{Machine, Percentiles, Side, Table};

use crate::row::Row;

/// Everything that came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// How many stages ran at once.
    pub lanes: usize,
    /// The rows, in the order of the plan.
    pub rows: Vec<Row>,
    /// How long all of it took.
    pub took: Duration,
}

impl Report {
    /// Whether every row passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.rows.iter().all(Row::passed)
    }

    /// Jobs that were acknowledged, in all rows together.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.rows.iter().map(Row::jobs).sum()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("fault", Side::Left),
            ("times", Side::Right),
            ("jobs", Side::Right),
            ("lost", Side::Right),
            ("duplicated successes", Side::Right),
            ("takeover p50", Side::Right),
            ("takeover max", Side::Right),
            ("must hold", Side::Left),
            ("verdict", Side::Left),
        ]);
        for row in &self.rows {
            let (p50, max) = takeover(&row.takeovers);
            table.row([
                row.fault.to_owned(),
                row.faults.to_string(),
                row.jobs().to_string(),
                row.lost().to_string(),
                row.duplicates().to_string(),
                p50,
                max,
                row.pass.to_owned(),
                verdict(row),
            ]);
        }
        table
    }

    fn sum(&self) -> String {
        let (faults, jobs) = (self.rows.iter().map(|row| row.faults).sum::<usize>(), self.jobs());
        let lost: usize = self.rows.iter().map(Row::lost).sum();
        let twice: usize = self.rows.iter().map(Row::duplicates).sum();
        let (minutes, seconds) = (self.took.as_secs() / 60, self.took.as_secs() % 60);
        format!(
            "{} stages, {faults} faults, {jobs} jobs acknowledged: {lost} lost, {twice} successes recorded twice. It \
             took {minutes} min {seconds} s, {} stages at once.",
            self.rows.len(),
            self.lanes
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Measured: {}.\n", self.machine)?;
        if let Some(doubt) = self.machine.doubt() {
            writeln!(f, "**Mind: {doubt}.**\n")?;
        }
        writeln!(f, "{}", self.table())?;
        writeln!(f, "{}", self.sum())
    }
}

fn takeover(took: &[Duration]) -> (String, String) {
    match Percentiles::of(took.iter().map(Duration::as_secs_f64).collect()) {
        Some(Percentiles { p50, max, .. }) => (format!("{p50:.2} s"), format!("{max:.2} s")),
        None => ("–".to_owned(), "–".to_owned()),
    }
}

fn verdict(row: &Row) -> String {
    match row.reasons.first() {
        None => "pass".to_owned(),
        Some(first) if row.reasons.len() == 1 => format!("**FAIL**: {first}"),
        Some(first) => format!("**FAIL**: {first} (and {} more)", row.reasons.len() - 1),
    }
}

/// Puts the report into its page, between its two markers.
///
/// # Errors
/// When the page cannot be read or written, or has no markers.
pub fn write_page(path: &Path, report: &Report) -> Result<()> {
    bench::write_between(path, "make chaos", &report.to_string())
}

#[cfg(test)]
mod tests {
    use history::Summary;

    use super::*;
    use crate::stage::Stage;

    fn row(reasons: &[&str]) -> Row {
        let stage = Stage { name: "one", fault: "kill -9", pass: "I1", run: |_| {} };
        let mut row = stage.row();
        row.faults = 3;
        row.takeovers = vec![Duration::from_millis(400), Duration::from_millis(900)];
        row.reasons = reasons.iter().map(|&reason| reason.to_owned()).collect();
        row.judged(&Summary { jobs: 7, ..Summary::default() });
        row
    }

    #[test]
    fn a_report_tells_each_row_and_why_it_failed() {
        let rows = vec![row(&[]), row(&["it was slow", "it was late"])];
        let report = Report { machine: Machine::look(), lanes: 2, rows, took: Duration::from_secs(61) };

        let text = report.to_string();

        for part in
            ["| kill -9 |", "0.40 s", "0.90 s", "pass", "**FAIL**: it was slow (and 1 more)", "1 min 1 s"]
        {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert!(!report.passed());
        assert_eq!(report.jobs(), 14);
    }
}

//! Runs stages, one after another on one field.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use bench::Machine;
use history::Journal;

use crate::field::{Field, Setup};
use crate::report::Report;
use crate::row::Row;
use crate::settle;
use crate::stage::{Effort, Stage};
use crate::trial::{Order, Trial};

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The stages, in their order.
    pub stages: Vec<&'static Stage>,
    /// How much of each.
    pub effort: Effort,
    /// How many jobs all stages together are to see; the last one brings what lacks.
    pub jobs: usize,
    /// Where the history is written.
    pub history: PathBuf,
}

/// Runs stages on one field; `tell` hears what goes on.
///
/// # Errors
/// When the history or the log of a failed stage cannot be written.
///
/// # Panics
/// When a field does not come up.
pub fn run(plan: &Plan, mut tell: impl FnMut(&str)) -> Result<Report> {
    let (machine, began) = (Machine::look(), Instant::now());
    let journal = Journal::create(&plan.history)?;
    let mut field = None;
    let mut rows = Vec::new();
    for (index, stage) in plan.stages.iter().enumerate() {
        let (number, count, minutes) = (index + 1, plan.stages.len(), began.elapsed().as_secs() / 60);
        tell(&format!("{number}/{count} after {minutes} min: {}: {}", stage.name, stage.fault));
        let ready = field.take().unwrap_or_else(|| Field::start(&Setup::default(), &journal));
        let had: usize = rows.iter().map(Row::jobs).sum();
        let order = Order { effort: plan.effort, jobs_wanted: plan.jobs.saturating_sub(had) };
        let (left, row) = run_one(stage, order, ready, &journal);
        field = whole(left);
        tell_row(&row, &mut tell);
        if !row.passed() {
            let file = plan.history.with_file_name(format!("{}.log", stage.name));
            fs::write(&file, &row.logs).with_context(|| format!("write {}", file.display()))?;
            tell(&format!("  the ends of the logs: {}", file.display()));
        }
        rows.push(row);
    }
    Ok(Report { machine, rows, took: began.elapsed() })
}

/// Runs one stage on a field of its own, with its history in `folder`.
///
/// # Errors
/// When the history cannot be written.
///
/// # Panics
/// When the field does not come up.
pub fn run_alone(stage: &Stage, effort: Effort, folder: &Path) -> Result<Row> {
    let journal = Journal::create(&folder.join(stage.name).with_extension("jsonl"))?;
    let field = Field::start(&Setup::default(), &journal);
    Ok(run_one(stage, Order { effort, jobs_wanted: 0 }, field, &journal).1)
}

fn run_one(stage: &Stage, order: Order, field: Field, journal: &Journal) -> (Field, Row) {
    let mut trial = Trial::begin(stage, order, field, journal);
    let story = catch_unwind(AssertUnwindSafe(|| (stage.run)(&mut trial)));
    trial.end(story.err().map(|panic| words_of(panic.as_ref())))
}

/// The field, if it can be made whole and comes to rest; else the next stage has a new one.
fn whole(mut field: Field) -> Option<Field> {
    let healed = catch_unwind(AssertUnwindSafe(|| {
        field.heal();
        settle::queue_empty(&field)
    }));
    matches!(healed, Ok(Ok(()))).then_some(field)
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why").to_owned()
}

fn tell_row(row: &Row, tell: &mut impl FnMut(&str)) {
    let verdict = if row.passed() { "pass" } else { "FAIL" };
    tell(&format!(
        "  {verdict} after {:.1?}: {} faults, {} jobs, {} lost, {} duplicated successes",
        row.took,
        row.faults,
        row.jobs(),
        row.lost(),
        row.duplicates()
    ));
    for reason in &row.reasons {
        tell(&format!("  because {reason}"));
    }
    for note in &row.notes {
        tell(&format!("  note: {note}"));
    }
}

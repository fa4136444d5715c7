//! Runs stages in lanes: in each one after another on one field, and the lanes side by side, for most stages wait
//! most of their time.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};
use bench::Machine;
use history::Journal;

use crate::effort::Effort;
use crate::field::{Field, Setup};
use crate::report::Report;
use crate::row::Row;
use crate::settle;
use crate::stage::Stage;
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
    /// How many stages run at once, each on a field of its own.
    pub lanes: usize,
    /// Where the history of the first lane is written; those of the others stand beside it.
    pub history: PathBuf,
}

/// Runs stages; `tell` hears what goes on.
///
/// # Errors
/// When the history or the log of a failed stage cannot be written.
///
/// # Panics
/// When a field does not come up.
pub fn run(plan: &Plan, tell: impl Fn(&str) + Sync) -> Result<Report> {
    let (machine, began) = (Machine::look(), Instant::now());
    let board = Board { plan, began, state: Mutex::default() };
    board.state().waiting.extend(plan.stages.iter().copied().enumerate());
    thread::scope(|scope| {
        let lanes: Vec<_> = (1..=plan.lanes.max(1))
            .map(|number| {
                scope.spawn({
                    let (board, tell) = (&board, &tell);
                    move || lane(number, board, tell)
                })
            })
            .collect();
        let ended = lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ended.collect::<Result<()>>()
    })?;
    let mut rows = std::mem::take(&mut board.state().rows);
    rows.sort_by_key(|(index, _)| *index);
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Report { machine, lanes: plan.lanes, rows, took: began.elapsed() })
}

/// What the lanes share.
struct Board<'a> {
    plan: &'a Plan,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(usize, &'static Stage)>,
    /// With their places in the plan.
    rows: Vec<(usize, Row)>,
}

impl Board<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    /// The next stage, and how many jobs the run lacks yet.
    fn next(&self) -> Option<(usize, &'static Stage, usize)> {
        let mut state = self.state();
        let (index, stage) = state.waiting.pop_front()?;
        let had: usize = state.rows.iter().map(|(_, row)| row.jobs()).sum();
        Some((index, stage, self.plan.jobs.saturating_sub(had)))
    }
}

/// One stage after another, until none waits. The processes of a field end with the thread that started them, so a lane
/// is a thread.
fn lane(number: usize, board: &Board<'_>, tell: &(impl Fn(&str) + Sync)) -> Result<()> {
    let plan = board.plan;
    let journal = Journal::create(&history(&plan.history, number))?;
    let mut field = None;
    while let Some((index, stage, jobs_wanted)) = board.next() {
        let (count, minutes) = (plan.stages.len(), board.began.elapsed().as_secs() / 60);
        tell(&format!("{}/{count} after {minutes} min: {}: {}", index + 1, stage.name, stage.fault));
        let ready = field.take().unwrap_or_else(|| Field::start(&Setup::default(), &journal));
        let (left, row) = run_one(stage, Order { effort: plan.effort, jobs_wanted }, ready, &journal);
        field = whole(left);
        let mut words = words_on(stage, &row);
        if !row.passed() {
            let file = plan.history.with_file_name(format!("{}.log", stage.name));
            fs::write(&file, &row.logs).with_context(|| format!("write {}", file.display()))?;
            let _ = write!(words, "\n    the ends of the logs: {}", file.display());
        }
        tell(&words);
        board.state().rows.push((index, row));
    }
    Ok(())
}

/// The history of a lane: `history.jsonl`, `history-2.jsonl`, …
fn history(first: &Path, lane: usize) -> PathBuf {
    match (lane, first.file_stem().and_then(|stem| stem.to_str())) {
        (1, _) | (_, None) => first.to_owned(),
        (lane, Some(stem)) => {
            let name =
                Path::new(&format!("{stem}-{lane}")).with_extension(first.extension().unwrap_or_default());
            first.with_file_name(name)
        }
    }
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
    let mut trial = Trial::begin(stage.row(), order, field, journal);
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

fn words_on(stage: &Stage, row: &Row) -> String {
    let verdict = if row.passed() { "pass" } else { "FAIL" };
    let mut words = format!(
        "  {}: {verdict} after {:.1?}: {} faults, {} jobs, {} lost, {} duplicated successes",
        stage.name,
        row.took,
        row.faults,
        row.jobs(),
        row.lost(),
        row.duplicates()
    );
    for (what, said) in [("because", &row.reasons), ("note:", &row.notes)] {
        for said in said {
            let _ = write!(words, "\n    {what} {said}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_a_history_of_its_own() {
        let first = Path::new("target/chaos/history.jsonl");

        let names = [1, 2, 3].map(|lane| history(first, lane).display().to_string());

        assert_eq!(
            names,
            ["target/chaos/history.jsonl", "target/chaos/history-2.jsonl", "target/chaos/history-3.jsonl"]
        );
    }
}

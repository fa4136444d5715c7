//! Changing schedules: what of a batch fits what is there is decided here, while the write lock is held, and so is which
//! of its instants make a job.

use std::collections::{HashMap, HashSet};

use model::id::{JobId, ScheduleId};
use model::job::NewJob;
use model::schedule::{FireKind, OPEN_MAX, SkipReason};
use serde::Serialize;
use sqlx::SqliteConnection;
use store::record::{pending_column, spec_column};
use store::{NewFire, Result, ScheduleChange, ScheduleChanged, Submitted};
use uuid::Uuid;

use crate::db::Db;
use crate::error::fault;
use crate::json::{self, hex};
use crate::schedules::rows::stamp;
use crate::submit;
use crate::time::now;

/// An instant of a schedule: the key of its run.
pub(super) type At = (ScheduleId, i64);

/// Makes those of the changes that fit.
pub(super) async fn change(db: &Db, mut changes: Vec<ScheduleChange>) -> Result<Vec<ScheduleChanged>> {
    let mut answers = vec![ScheduleChanged::Stale; changes.len()];
    if changes.is_empty() {
        return Ok(answers);
    }
    let mut tx = db.durable().await?;
    let now = now(&mut tx).await?;
    let fitting = fitting(&mut tx, &changes).await?;
    if fitting.is_empty() {
        return Ok(answers);
    }

    let mut runs = Runs::new(fired(&mut tx, &instants(&changes, &fitting)).await?);
    let places: Vec<Vec<Option<usize>>> = fitting
        .iter()
        .map(|n| {
            let change = &mut changes[*n];
            change.fires.drain(..).map(|fire| runs.add(change.id, fire)).collect()
        })
        .collect();
    let told = submit::store_jobs(&mut tx, now, &runs.jobs, None).await?;
    store_runs(&mut tx, now, &runs, &told).await?;
    let made = fitting.iter().map(|n| &changes[*n]);
    store_skips(&mut tx, now, made.clone()).await?;
    let open = |place: &usize| runs.of[*place].1.overlaps().then(|| told[*place].id);
    let opened = places.iter().map(|places| places.iter().flatten().filter_map(open).collect());
    store_standings(&mut tx, now, made.clone().zip(opened)).await?;
    store_specs(&mut tx, now, made).await?;
    tx.commit().await.map_err(fault)?;

    for (n, places) in fitting.iter().zip(places) {
        let fires = places.into_iter().map(|place| place.map(|place| told[place].clone())).collect();
        answers[*n] = ScheduleChanged::Done(fires);
    }
    Ok(answers)
}

/// The places of the changes that fit what is there; of several of one schedule the first does.
async fn fitting(connection: &mut SqliteConnection, changes: &[ScheduleChange]) -> Result<Vec<usize>> {
    let asked: HashSet<i64> = changes.iter().map(|change| change.id.0).collect();
    let asked = json::list(&asked.iter().collect::<Vec<_>>());
    let rows = sqlx::query_file!("sql/schedule_seqs.sql", asked).fetch_all(connection).await;
    let mut seqs: HashMap<ScheduleId, i64> =
        rows.map_err(fault)?.into_iter().map(|row| (ScheduleId(row.id), row.seq)).collect();
    let fits = |(n, change): (usize, &ScheduleChange)| {
        let fits = seqs.get(&change.id) == Some(&change.seq);
        if fits {
            seqs.remove(&change.id);
        }
        fits.then_some(n)
    };
    Ok(changes.iter().enumerate().filter_map(fits).collect())
}

fn instants(changes: &[ScheduleChange], fitting: &[usize]) -> Vec<At> {
    let changes = fitting.iter().map(|n| &changes[*n]);
    changes.flat_map(|change| change.fires.iter().map(|fire| (change.id, stamp(fire.instant)))).collect()
}

/// Those of the instants that made a job.
pub(super) async fn fired(connection: &mut SqliteConnection, instants: &[At]) -> Result<HashMap<At, JobId>> {
    let mut fired = HashMap::new();
    for list in json::lists(&instants.iter().map(|(id, at)| Asked { id: id.0, at: *at }).collect::<Vec<_>>())
    {
        let rows = sqlx::query_file!("sql/schedule_fired.sql", list).fetch_all(&mut *connection).await;
        let rows = rows.map_err(fault)?.into_iter();
        fired.extend(rows.map(|row| ((ScheduleId(row.schedule), row.instant), JobId(row.job))));
    }
    Ok(fired)
}

#[derive(Serialize)]
struct Asked {
    id: i64,
    at: i64,
}

/// The jobs that a batch makes, each for an instant that has made none.
struct Runs {
    taken: HashSet<At>,
    of: Vec<(At, FireKind)>,
    jobs: Vec<NewJob>,
}

impl Runs {
    fn new(fired: HashMap<At, JobId>) -> Self {
        Self { taken: fired.into_keys().collect(), of: Vec::new(), jobs: Vec::new() }
    }

    /// The place of its job; none when its instant has made one.
    fn add(&mut self, schedule: ScheduleId, fire: NewFire) -> Option<usize> {
        let at = (schedule, stamp(fire.instant));
        if !self.taken.insert(at) {
            return None;
        }
        self.of.push((at, fire.kind));
        self.jobs.push(fire.job);
        Some(self.jobs.len() - 1)
    }
}

async fn store_runs(
    connection: &mut SqliteConnection,
    now: i64,
    runs: &Runs,
    told: &[Submitted],
) -> Result<()> {
    #[derive(Serialize)]
    struct FireRow {
        schedule: i64,
        instant: i64,
        kind: FireKind,
        job: String,
    }
    let row = |(&((schedule, instant), kind), told): (&(At, FireKind), &Submitted)| FireRow {
        schedule: schedule.0,
        instant,
        kind,
        job: hex(told.id),
    };
    let rows: Vec<FireRow> = runs.of.iter().zip(told).map(row).collect();
    for list in json::lists(&rows) {
        sqlx::query_file!("sql/schedule_fire.sql", list, now)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

async fn store_skips<'a>(
    connection: &mut SqliteConnection,
    now: i64,
    changes: impl Iterator<Item = &'a ScheduleChange>,
) -> Result<()> {
    #[derive(Serialize)]
    struct SkipRow<'a> {
        schedule: i64,
        from: i64,
        until: i64,
        count: Option<u32>,
        kind: FireKind,
        reason: SkipReason,
        detail: Option<&'a str>,
    }
    let rows: Vec<SkipRow<'_>> = changes
        .flat_map(|change| change.skips.iter().map(|skip| (change.id, skip)))
        .map(|(schedule, skip)| SkipRow {
            schedule: schedule.0,
            from: stamp(skip.from),
            until: stamp(skip.until),
            count: skip.count,
            kind: skip.kind,
            reason: skip.reason,
            detail: skip.detail.as_deref(),
        })
        .collect();
    for list in json::lists(&rows) {
        sqlx::query_file!("sql/schedule_skip.sql", list, now)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

/// Stores where each schedule stands, with its new runs that are open.
async fn store_standings<'a>(
    connection: &mut SqliteConnection,
    now: i64,
    changes: impl Iterator<Item = (&'a ScheduleChange, Vec<JobId>)>,
) -> Result<()> {
    #[derive(Serialize)]
    struct Row<'a> {
        id: i64,
        state: &'static str,
        reason: Option<&'a str>,
        next_at: Option<i64>,
        look_at: Option<i64>,
        pending: Option<String>,
        open: String,
        delete: bool,
    }
    let row = |(change, new): (&'a ScheduleChange, Vec<JobId>)| {
        let standing = &change.standing;
        let open: Vec<JobId> = standing.open.iter().copied().chain(new).collect();
        Row {
            id: change.id.0,
            state: standing.state.as_str(),
            reason: standing.reason.as_deref(),
            next_at: standing.next_at.map(stamp),
            look_at: standing.look_at.filter(|_| !change.delete).map(stamp),
            pending: pending_column(&standing.pending),
            open: json::ids(open[open.len().saturating_sub(OPEN_MAX)..].iter().copied()),
            delete: change.delete,
        }
    };
    let rows: Vec<Row<'_>> = changes.map(row).collect();
    for list in json::lists(&rows) {
        sqlx::query_file!("sql/schedule_change.sql", list, now)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

/// People change what a schedule is, one at a time: a statement for each is cheap enough.
async fn store_specs<'a>(
    connection: &mut SqliteConnection,
    now: i64,
    changes: impl Iterator<Item = &'a ScheduleChange>,
) -> Result<()> {
    for change in changes {
        let Some((spec, payload)) = &change.spec else { continue };
        sqlx::query_file!("sql/schedule_spec.sql", change.id.0, spec_column(spec), payload.as_bytes(), now)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

//! Changing schedules: one statement decides what of a batch fits what is there and which of its instants make a job; the
//! jobs are stored in the same transaction, as all jobs are.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use model::bounds::BATCH_JOBS_MAX;
use model::id::{JobId, ScheduleId};
use model::job::NewJob;
use model::schedule::{OPEN_MAX, Skip, Standing};
use store::record::{pending_column, spec_column};
use store::{NewFire, ScheduleChange, ScheduleChanged, Submitted};
use uuid::Uuid;

use crate::db::Db;
use crate::error::Told;
use crate::ids::{Known, small};
use crate::schedules::{stamp, text};
use crate::session::Session;
use crate::submit::{Named, submit_in};

/// Makes those of the changes that fit.
pub(super) async fn change(db: &Db, known: &Known, changes: &[ScheduleChange]) -> Told<Vec<ScheduleChanged>> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let columns = Columns::of(changes);
    let jobs: Vec<&NewJob> = jobs(changes).collect();
    if jobs.is_empty() {
        // Without jobs to store, the statement is a transaction by itself.
        let made = store(&mut db.session().await?, &columns).await?;
        return Ok(answers(changes, &made, &HashMap::new()));
    }
    let named = Named::by(db, known, &jobs).await?;
    let mut tx = db.begin().await?;
    let told = change_in(&mut tx, &named, &columns, changes).await;
    tx.end(told).await
}

async fn change_in(
    tx: &mut Session,
    named: &Named,
    columns: &Columns,
    changes: &[ScheduleChange],
) -> Told<Vec<ScheduleChanged>> {
    let made = store(tx, columns).await?;
    let jobs: Vec<&NewJob> = jobs(changes).filter(|job| made.jobs.contains(&job.id.0)).collect();
    let mut submitted = HashMap::with_capacity(jobs.len());
    for batch in jobs.chunks(BATCH_JOBS_MAX) {
        let told = submit_in(tx, named, batch, None).await?;
        submitted.extend(batch.iter().map(|job| job.id).zip(told));
    }
    Ok(answers(changes, &made, &submitted))
}

fn jobs(changes: &[ScheduleChange]) -> impl Iterator<Item = &NewJob> {
    changes.iter().flat_map(|change| change.fires.iter().map(|fire| &fire.job))
}

/// What is made of a batch.
#[derive(Default)]
struct Made {
    /// The places of the changes that fit.
    places: HashSet<usize>,
    /// The jobs of their fires, but for those whose instant had made one.
    jobs: HashSet<Uuid>,
}

fn answers(
    changes: &[ScheduleChange],
    made: &Made,
    submitted: &HashMap<JobId, Submitted>,
) -> Vec<ScheduleChanged> {
    let answer = |(n, change): (usize, &ScheduleChange)| {
        if !made.places.contains(&n) {
            return ScheduleChanged::Stale;
        }
        ScheduleChanged::Done(change.fires.iter().map(|fire| submitted.get(&fire.job.id).cloned()).collect())
    };
    changes.iter().enumerate().map(answer).collect()
}

/// Changes of schedules, column by column. A place is the number of a change's row, from 1.
#[derive(Default)]
struct Columns {
    /// Where in the batch they stand.
    places: Vec<usize>,
    ids: Vec<i64>,
    seqs: Vec<i64>,
    states: Vec<String>,
    reasons: Vec<Option<String>>,
    nexts_at: Vec<Option<DateTime<Utc>>>,
    looks_at: Vec<Option<DateTime<Utc>>>,
    pendings: Vec<Option<String>>,
    /// The text of an array each: an array of arrays would have to be as wide everywhere. A job is named here although its
    /// instant may turn out to have made one: it is in no queue then, and so it is never told.
    opens: Vec<String>,
    specs: Vec<Option<Vec<u8>>>,
    payloads: Vec<Option<Vec<u8>>>,
    deletes: Vec<bool>,
    fire_places: Vec<i64>,
    fire_instants: Vec<DateTime<Utc>>,
    fire_kinds: Vec<String>,
    fire_jobs: Vec<Uuid>,
    skip_places: Vec<i64>,
    skips_from: Vec<DateTime<Utc>>,
    skips_until: Vec<DateTime<Utc>>,
    skip_counts: Vec<Option<i32>>,
    skip_kinds: Vec<String>,
    skip_reasons: Vec<String>,
    skip_details: Vec<Option<String>>,
}

impl Columns {
    fn of(changes: &[ScheduleChange]) -> Self {
        // Of several that looked at the same the first is sent, and the others stay stale.
        let mut seen: HashSet<(ScheduleId, i64)> = HashSet::new();
        let mut columns = Self::default();
        for (n, change) in changes.iter().enumerate() {
            if seen.insert((change.id, change.seq)) {
                columns.places.push(n);
                columns.push(change);
            }
        }
        columns
    }

    fn push(&mut self, change: &ScheduleChange) {
        self.ids.push(change.id.0);
        self.seqs.push(change.seq);
        self.push_standing(&change.standing, change.delete);
        self.push_open(change);
        self.specs.push(change.spec.as_ref().map(|(spec, _)| spec_column(spec)));
        self.payloads.push(change.spec.as_ref().map(|(_, payload)| payload.as_bytes().to_vec()));
        let place = self.ids.len() as i64;
        for fire in &change.fires {
            self.push_fire(place, fire);
        }
        for skip in &change.skips {
            self.push_skip(place, skip);
        }
    }

    fn push_standing(&mut self, standing: &Standing, delete: bool) {
        self.states.push(standing.state.as_str().to_owned());
        self.reasons.push(standing.reason.as_deref().map(text));
        self.nexts_at.push(standing.next_at.map(stamp));
        self.looks_at.push(standing.look_at.filter(|_| !delete).map(stamp));
        self.pendings.push(pending_column(&standing.pending));
        self.deletes.push(delete);
    }

    fn push_open(&mut self, change: &ScheduleChange) {
        let new = change.fires.iter().filter(|fire| fire.kind.overlaps()).map(|fire| &fire.job.id);
        let open: Vec<String> = change.standing.open.iter().chain(new).map(ToString::to_string).collect();
        let latest = &open[open.len().saturating_sub(OPEN_MAX)..];
        self.opens.push(format!("{{{}}}", latest.join(",")));
    }

    fn push_fire(&mut self, place: i64, fire: &NewFire) {
        self.fire_places.push(place);
        self.fire_instants.push(stamp(fire.instant));
        self.fire_kinds.push(fire.kind.as_str().to_owned());
        self.fire_jobs.push(fire.job.id.0);
    }

    fn push_skip(&mut self, place: i64, skip: &Skip) {
        self.skip_places.push(place);
        self.skips_from.push(stamp(skip.from));
        self.skips_until.push(stamp(skip.until));
        self.skip_counts.push(skip.count.map(small));
        self.skip_kinds.push(skip.kind.as_str().to_owned());
        self.skip_reasons.push(skip.reason.as_str().to_owned());
        self.skip_details.push(skip.detail.as_deref().map(text));
    }
}

async fn store(session: &mut Session, columns: &Columns) -> Told<Made> {
    let query = sqlx::query_file!(
        "sql/schedule_change.sql",
        &columns.ids,
        &columns.seqs,
        &columns.states,
        &columns.reasons as &[Option<String>],
        &columns.nexts_at as &[Option<DateTime<Utc>>],
        &columns.looks_at as &[Option<DateTime<Utc>>],
        &columns.pendings as &[Option<String>],
        &columns.opens,
        &columns.specs as &[Option<Vec<u8>>],
        &columns.payloads as &[Option<Vec<u8>>],
        &columns.deletes,
        &columns.fire_places,
        &columns.fire_instants,
        &columns.fire_kinds,
        &columns.fire_jobs,
        &columns.skip_places,
        &columns.skips_from,
        &columns.skips_until,
        &columns.skip_counts as &[Option<i32>],
        &columns.skip_kinds,
        &columns.skip_reasons,
        &columns.skip_details as &[Option<String>],
    );
    let mut made = Made::default();
    for row in session.all(query).await? {
        made.jobs.extend(row.job);
        let place = row.made.and_then(|place| usize::try_from(place - 1).ok());
        made.places.extend(place.and_then(|place| columns.places.get(place)));
    }
    Ok(made)
}

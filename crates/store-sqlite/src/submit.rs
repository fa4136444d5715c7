//! Storing jobs: what of a batch is new is decided here, while the write lock is held.

use std::collections::{BTreeSet, HashMap, HashSet};

use model::id::{Digest, JobId, VersionId};
use model::job::{JobState, NewJob};
use model::name::{QueueKey, TaskName};
use serde::Serialize;
use sqlx::SqliteConnection;
use store::record::{
    Standing, content, corrupt, digest, key_conflict, lease_lost, queue, version_missing, word,
};
use store::{Error, Offer, Result, Submit, Submitted};
use uuid::Uuid;

use crate::claims::holds;
use crate::db::Db;
use crate::error::fault;
use crate::json::{self, hex};
use crate::standing::standings;
use crate::submit_rows::{KeyOf, Row, queue_of, run_at, store, store_keys};
use crate::time::{instant, now};

/// Stores a batch of jobs, all or none.
pub(crate) async fn submit(db: &Db, submit: Submit) -> Result<Vec<Submitted>> {
    if submit.jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.durable().await?;
    let now = now(&mut tx).await?;
    if let Some(lease) = submit.parent
        && !holds(&mut tx, now, lease).await?
    {
        return Err(lease_lost(lease));
    }
    let parent = submit.parent.map(|lease| lease.job);
    let answer = store_jobs(&mut tx, now, &submit.jobs, parent).await?;
    tx.commit().await.map_err(fault)?;
    Ok(answer)
}

/// Stores jobs in a transaction that holds the write lock; after an error it must not be committed.
pub(crate) async fn store_jobs(
    connection: &mut SqliteConnection,
    now: i64,
    jobs: &[NewJob],
    parent: Option<JobId>,
) -> Result<Vec<Submitted>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let tasks = tasks(&mut *connection, jobs).await?;
    let keys = keys(jobs, &tasks)?;
    let places = sort(&mut *connection, now, jobs, &keys).await?;

    let new: Vec<usize> = places.iter().enumerate().filter_map(|(n, place)| place.new_at(n)).collect();
    let queues = queues(&mut *connection, new.iter().map(|n| queue_of(&jobs[*n]))).await?;
    let parent = parent.map(hex);
    store(&mut *connection, now, new.iter().map(|n| Row::of(&jobs[*n], now, &queues, parent.clone())))
        .await?;
    let new_keys = new.iter().filter_map(|n| keys[*n].as_ref().map(|key| (key, &jobs[*n])));
    store_keys(&mut *connection, now, new_keys).await?;

    let old: Vec<JobId> = places.iter().filter_map(Place::old).collect();
    let old: HashMap<JobId, Standing> = if old.is_empty() {
        HashMap::new()
    } else {
        standings(connection, &old).await?.into_iter().map(|one| (one.id, one)).collect()
    };
    places.iter().zip(jobs).map(|(place, job)| answer(place, job, jobs, now, &old)).collect()
}

/// What a job of the batch turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// New; the place in the batch.
    New(usize),
    /// Its id is stored: the submit is made again.
    Known(JobId),
    /// Its key stands for the new job at this place.
    DuplicateOfNew(usize),
    /// Its key stands for a stored job.
    Duplicate(JobId),
}

impl Place {
    /// The stored job that stands for it.
    fn old(&self) -> Option<JobId> {
        match self {
            Self::Known(id) | Self::Duplicate(id) => Some(*id),
            Self::New(_) | Self::DuplicateOfNew(_) => None,
        }
    }

    /// Its own place `n`, when it is the one to store: an id that comes twice in a batch is one job.
    fn new_at(&self, n: usize) -> Option<usize> {
        (*self == Self::New(n)).then_some(n)
    }
}

/// The tasks of the versions, by the version's id.
async fn tasks(
    connection: &mut SqliteConnection,
    jobs: &[NewJob],
) -> Result<HashMap<VersionId, (i64, TaskName)>> {
    let asked: BTreeSet<i64> = jobs.iter().map(|job| job.version.0).collect();
    let list = json::list(&asked.iter().collect::<Vec<_>>());
    let rows = sqlx::query_file!("sql/submit_versions.sql", list).fetch_all(connection).await;
    let mut tasks = HashMap::new();
    for row in rows.map_err(fault)? {
        tasks.insert(VersionId(row.id), (row.task_id, word(&row.task)?));
    }
    match asked.into_iter().map(VersionId).find(|version| !tasks.contains_key(version)) {
        Some(version) => Err(version_missing(version)),
        None => Ok(tasks),
    }
}

fn keys<'a>(
    jobs: &'a [NewJob],
    tasks: &'a HashMap<VersionId, (i64, TaskName)>,
) -> Result<Vec<Option<KeyOf<'a>>>> {
    let key_of = |job: &'a NewJob| {
        let Some(key) = &job.options.key else { return Ok(None) };
        let (task_id, task) = tasks.get(&job.version).ok_or_else(|| version_missing(job.version))?;
        let content = content(task, job);
        Ok(Some(KeyOf {
            namespace: job.namespace.as_str(),
            task_id: *task_id,
            task,
            key: &key.text,
            content,
        }))
    };
    jobs.iter().map(key_of).collect()
}

/// Tells what each job of the batch is, in order.
async fn sort(
    connection: &mut SqliteConnection,
    now: i64,
    jobs: &[NewJob],
    keys: &[Option<KeyOf<'_>>],
) -> Result<Vec<Place>> {
    let known = known(&mut *connection, jobs).await?;
    let taken = taken(connection, now, keys).await?;
    let mut new_ids: HashMap<JobId, usize> = HashMap::new();
    let mut new_keys: HashMap<(&str, i64, &str), usize> = HashMap::new();
    let mut places = Vec::with_capacity(jobs.len());
    for (n, (job, key)) in jobs.iter().zip(keys).enumerate() {
        let place = if known.contains(&job.id) {
            Place::Known(job.id)
        } else if let Some(first) = new_ids.get(&job.id) {
            Place::New(*first)
        } else if let Some(key) = key {
            let (namespace, task_id, text) = key.name();
            let stored = taken.get(&(namespace.to_owned(), task_id, text.to_owned()));
            if let Some((id, content)) = stored {
                same(key, *content, *id)?;
                Place::Duplicate(*id)
            } else if let Some(first) = new_keys.get(&key.name()) {
                let content = keys[*first].as_ref().map_or(key.content, |first| first.content);
                same(key, content, jobs[*first].id)?;
                Place::DuplicateOfNew(*first)
            } else {
                Place::New(n)
            }
        } else {
            Place::New(n)
        };
        if place == Place::New(n) {
            new_ids.insert(job.id, n);
            new_keys.extend(key.as_ref().map(|key| (key.name(), n)));
        }
        places.push(place);
    }
    Ok(places)
}

fn same(key: &KeyOf<'_>, content: Digest, id: JobId) -> Result<()> {
    if key.content == content { Ok(()) } else { Err(key_conflict(key.key, key.task, id)) }
}

/// Those of the ids that are stored already.
async fn known(connection: &mut SqliteConnection, jobs: &[NewJob]) -> Result<HashSet<JobId>> {
    let ids = json::ids(jobs.iter().map(|job| job.id));
    let known = sqlx::query_file_scalar!("sql/submit_known.sql", ids).fetch_all(connection).await;
    Ok(known.map_err(fault)?.into_iter().map(JobId).collect())
}

/// Those of the keys that are in use, with the job and the content they stand for.
async fn taken(
    connection: &mut SqliteConnection,
    now: i64,
    keys: &[Option<KeyOf<'_>>],
) -> Result<HashMap<(String, i64, String), (JobId, Digest)>> {
    #[derive(Serialize)]
    struct Asked<'a> {
        namespace: &'a str,
        task_id: i64,
        key: &'a str,
    }
    let asked: Vec<Asked<'_>> = keys
        .iter()
        .flatten()
        .map(|key| Asked { namespace: key.namespace, task_id: key.task_id, key: key.key })
        .collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query_file!("sql/submit_keys.sql", json::list(&asked), now).fetch_all(connection).await;
    rows.map_err(fault)?
        .into_iter()
        .map(|row| Ok(((row.namespace, row.task_id, row.key), (JobId(row.job), digest(&row.content)?))))
        .collect()
}

/// The ids of the queues; those that there are not yet are made.
async fn queues(
    connection: &mut SqliteConnection,
    asked: impl Iterator<Item = QueueKey>,
) -> Result<HashMap<QueueKey, i64>> {
    let asked: BTreeSet<QueueKey> = asked.collect();
    let pairs: Vec<_> = asked.iter().map(|key| (&key.namespace, &key.queue)).collect();
    let rows =
        sqlx::query_file!("sql/submit_queues.sql", json::list(&pairs)).fetch_all(&mut *connection).await;
    let mut ids = HashMap::new();
    for row in rows.map_err(fault)? {
        ids.insert(queue(&row.namespace, &row.queue)?, row.id);
    }
    for key in asked {
        if ids.contains_key(&key) {
            continue;
        }
        let made =
            sqlx::query_file_scalar!("sql/submit_new_queue.sql", key.namespace.as_str(), key.queue.as_str());
        let id = made.fetch_one(&mut *connection).await.map_err(fault)?;
        ids.insert(key, id);
    }
    Ok(ids)
}

/// What the caller is told of one job.
fn answer(
    place: &Place,
    asked: &NewJob,
    jobs: &[NewJob],
    now: i64,
    old: &HashMap<JobId, Standing>,
) -> Result<Submitted> {
    let (id, duplicate) = match *place {
        Place::New(n) => (jobs[n].id, false),
        Place::DuplicateOfNew(n) => (jobs[n].id, true),
        Place::Known(id) => (id, false),
        Place::Duplicate(id) => (id, true),
    };
    let (state, offer) = match *place {
        Place::New(n) | Place::DuplicateOfNew(n) => {
            let job = &jobs[n];
            let at = run_at(job, now);
            let state = if at > now { JobState::Scheduled } else { JobState::Queued };
            let offer =
                Offer { job: id, queue: queue_of(job), priority: job.options.priority, run_at: instant(at)? };
            (state, offer)
        }
        Place::Known(_) | Place::Duplicate(_) => {
            let standing = old.get(&id).ok_or_else(|| corrupt(format!("job {id} is not stored")))?;
            if standing.queue.namespace != asked.namespace {
                // A caller of one namespace learns nothing of another's jobs by guessing ids.
                return Err(Error::Conflict { why: format!("the job id {id} is taken") });
            }
            (standing.state, standing.offer.clone())
        }
    };
    let offer = Some(offer).filter(|_| !duplicate && state == JobState::Queued);
    Ok(Submitted { id, duplicate, state, offer })
}

//! Storing jobs: one statement a batch, and one more when some of it was stored before.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use model::id::{Digest, JobId, Lease, VersionId};
use model::job::{JobState, NewJob, Start};
use model::name::{QueueKey, TaskName};
use store::record::{Standing, content, corrupt, key_conflict, lease_lost, limit_columns};
use store::{Offer, Result, Submit, Submitted};
use uuid::Uuid;

use crate::db::Db;
use crate::error::{Fault, Told};
use crate::ids::{Known, count, small};
use crate::session::Session;
use crate::standing::standings;

/// Stores a batch of jobs, all or none.
pub(crate) async fn submit(db: &Db, known: &Known, submit: &Submit) -> Told<Vec<Submitted>> {
    let jobs: Vec<&NewJob> = submit.jobs.iter().collect();
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let named = Named::by(db, known, &jobs).await?;
    submit_in(&mut db.session().await?, &named, &jobs, submit.parent).await
}

/// The rows that jobs name: known, or looked up, before what stores the jobs begins.
pub(crate) struct Named {
    tasks: HashMap<VersionId, (i64, TaskName)>,
    queues: HashMap<QueueKey, i32>,
}

impl Named {
    pub(crate) async fn by(db: &Db, known: &Known, jobs: &[&NewJob]) -> Told<Self> {
        let tasks = known.tasks(db, jobs.iter().map(|job| job.version).collect()).await?;
        let queues = known.queues(db, jobs.iter().map(|job| queue_of(job)).collect::<BTreeSet<_>>()).await?;
        Ok(Self { tasks, queues })
    }
}

/// The same on a connection, which may be in a transaction; at most [`model::bounds::BATCH_JOBS_MAX`] jobs.
pub(crate) async fn submit_in(
    session: &mut Session,
    named: &Named,
    jobs: &[&NewJob],
    parent: Option<Lease>,
) -> Told<Vec<Submitted>> {
    let keys = keys(jobs, &named.tasks)?;
    let firsts = firsts(jobs, &keys)?;
    let mut columns = Columns::default();
    for (n, job) in jobs.iter().enumerate().filter(|(n, _)| firsts[*n] == *n) {
        let queue = queue_of(job);
        let queue_id =
            named.queues.get(&queue).ok_or_else(|| corrupt(format!("queue {queue} was not made")))?;
        columns.push(n, job, keys[n].as_ref(), *queue_id)?;
    }

    let rows = match store(session, parent, &columns).await {
        Err(Fault::Refused(why)) => return Err(refusal(&why, &columns, &keys).into()),
        told => told?,
    };
    let mut stored: HashMap<usize, Stored> = HashMap::new();
    for (n, row) in columns.places.iter().zip(rows) {
        stored.insert(*n, row);
    }
    let old: Vec<JobId> = stored.iter().filter_map(|(n, row)| row.old(jobs[*n])).collect();
    let old: HashMap<JobId, Standing> = if old.is_empty() {
        HashMap::new()
    } else {
        standings(session, &old).await?.into_iter().map(|one| (one.id, one)).collect()
    };
    let answer = |(n, job): (usize, &&NewJob)| {
        let first = stored.get(&firsts[n]).ok_or_else(|| corrupt("a job of the batch was not answered"))?;
        answer(job, jobs[firsts[n]], first, &old)
    };
    Ok(jobs.iter().enumerate().map(answer).collect::<Result<_>>()?)
}

/// A job's idempotency key.
struct KeyOf<'a> {
    namespace: &'a str,
    task_id: i64,
    task: &'a TaskName,
    key: &'a str,
    content: Digest,
}

fn keys<'a>(
    jobs: &[&'a NewJob],
    tasks: &'a HashMap<VersionId, (i64, TaskName)>,
) -> Result<Vec<Option<KeyOf<'a>>>> {
    let key_of = |job: &'a NewJob| {
        let Some(key) = &job.options.key else { return Ok(None) };
        let task = tasks.get(&job.version).ok_or_else(|| store::record::version_missing(job.version))?;
        let content = content(&task.1, job);
        let namespace = job.namespace.as_str();
        Ok(Some(KeyOf { namespace, task_id: task.0, task: &task.1, key: &key.text, content }))
    };
    jobs.iter().copied().map(key_of).collect()
}

/// For each job the place of the first one in the batch with its id or its key: only that one is sent.
fn firsts(jobs: &[&NewJob], keys: &[Option<KeyOf<'_>>]) -> Result<Vec<usize>> {
    let mut ids: HashMap<JobId, usize> = HashMap::new();
    let mut taken: HashMap<(&str, i64, &str), usize> = HashMap::new();
    let mut firsts = Vec::with_capacity(jobs.len());
    for (n, (job, key)) in jobs.iter().zip(keys).enumerate() {
        let by_id = *ids.entry(job.id).or_insert(n);
        let first = match key {
            Some(key) if by_id == n => {
                let first = *taken.entry((key.namespace, key.task_id, key.key)).or_insert(n);
                if keys[first].as_ref().is_some_and(|other| other.content != key.content) {
                    return Err(key_conflict(key.key, key.task, jobs[first].id));
                }
                first
            }
            _ => by_id,
        };
        firsts.push(first);
    }
    Ok(firsts)
}

fn queue_of(job: &NewJob) -> QueueKey {
    QueueKey { namespace: job.namespace.clone(), queue: job.options.queue.clone() }
}

/// Jobs to store, column by column.
#[derive(Default)]
struct Columns {
    /// Where in the batch they stand.
    places: Vec<usize>,
    ids: Vec<Uuid>,
    versions: Vec<i64>,
    queues: Vec<i32>,
    priorities: Vec<i16>,
    max_attempts: Vec<i32>,
    timeouts_ms: Vec<Option<i64>>,
    limits: Vec<Option<String>>,
    tags: Vec<Option<String>>,
    payloads: Vec<Vec<u8>>,
    starts_at: Vec<Option<DateTime<Utc>>>,
    waits_us: Vec<i64>,
    expire_us: Vec<Option<i64>>,
    namespaces: Vec<String>,
    task_ids: Vec<Option<i64>>,
    keys: Vec<Option<String>>,
    contents: Vec<Option<Vec<u8>>>,
    keys_us: Vec<Option<i64>>,
}

impl Columns {
    fn push(&mut self, place: usize, job: &NewJob, key: Option<&KeyOf<'_>>, queue_id: i32) -> Result<()> {
        let options = &job.options;
        let micros = |wait: std::time::Duration| count(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        let (start_at, wait_us) = match options.start {
            Start::Now => (None, 0),
            Start::After(wait) => (None, micros(wait)),
            Start::At(at) => (Some(at), 0),
        };
        let tags = if options.tags.is_empty() {
            None
        } else {
            Some(serde_json::to_string(&options.tags).map_err(corrupt)?)
        };
        let (timeout_ms, limits) = limit_columns(&options.limits);
        self.places.push(place);
        self.ids.push(job.id.0);
        self.versions.push(job.version.0);
        self.queues.push(queue_id);
        self.priorities.push(i16::from(options.priority.get()));
        self.max_attempts.push(small(job.max_attempts));
        self.timeouts_ms.push(timeout_ms);
        self.limits.push(limits);
        self.tags.push(tags);
        self.payloads.push(job.payload.as_bytes().to_vec());
        self.starts_at.push(start_at);
        self.waits_us.push(wait_us);
        self.expire_us.push(options.expires_in.map(micros));
        self.namespaces.push(job.namespace.as_str().to_owned());
        self.task_ids.push(key.map(|key| key.task_id));
        self.keys.push(key.map(|key| key.key.to_owned()));
        self.contents.push(key.map(|key| key.content.0.to_vec()));
        self.keys_us.push(options.key.as_ref().and_then(|key| key.ttl).map(micros));
        Ok(())
    }
}

/// What became of a job that was sent.
struct Stored {
    /// When it may start, when it is new.
    run_at: Option<DateTime<Utc>>,
    /// Whether that is still to come.
    later: bool,
    /// The job that its key stands for.
    holder: Option<JobId>,
}

impl Stored {
    /// The earlier job that stands for `job`, which may be itself.
    fn old(&self, job: &NewJob) -> Option<JobId> {
        if self.run_at.is_some() { None } else { Some(self.holder.unwrap_or(job.id)) }
    }
}

async fn store(session: &mut Session, parent: Option<Lease>, columns: &Columns) -> Told<Vec<Stored>> {
    let query = sqlx::query_file!(
        "sql/submit.sql",
        &columns.ids,
        &columns.versions,
        &columns.queues,
        &columns.priorities,
        &columns.max_attempts,
        &columns.timeouts_ms as &[Option<i64>],
        &columns.tags as &[Option<String>],
        &columns.payloads,
        &columns.starts_at as &[Option<DateTime<Utc>>],
        &columns.waits_us,
        &columns.expire_us as &[Option<i64>],
        &columns.namespaces,
        &columns.task_ids as &[Option<i64>],
        &columns.keys as &[Option<String>],
        &columns.contents as &[Option<Vec<u8>>],
        &columns.keys_us as &[Option<i64>],
        &columns.limits as &[Option<String>],
        parent.map(|lease| lease.job.0),
        parent.map(|lease| small(lease.attempt)),
        parent.map(|lease| lease.session.0),
    );
    let rows = session.all(query).await?;
    if let Some(lease) = parent
        && rows.iter().any(|row| !row.held)
    {
        return Err(lease_lost(lease).into());
    }
    let stored = |row: &Option<Uuid>| row.map(JobId);
    Ok(rows
        .into_iter()
        .map(|row| Stored { run_at: row.run_at, later: row.later, holder: stored(&row.holder) })
        .collect())
}

/// A key that stands for something else, from the place and the job that SQL named; or an id that is taken.
fn refusal(why: &str, columns: &Columns, keys: &[Option<KeyOf<'_>>]) -> store::Error {
    if let Some(id) = why.strip_prefix("taken ") {
        return store::Error::Conflict { why: format!("the job id {id} is taken") };
    }
    let told = why.split_once(' ').and_then(|(place, job)| {
        let row = place.parse::<usize>().ok()?.checked_sub(1)?;
        let key = keys.get(*columns.places.get(row)?)?.as_ref()?;
        Some(key_conflict(key.key, key.task, job.parse().ok()?))
    });
    told.unwrap_or_else(|| corrupt(why))
}

/// What the caller is told of one job; `first` is the job that was sent for it.
fn answer(
    job: &NewJob,
    first: &NewJob,
    stored: &Stored,
    old: &HashMap<JobId, Standing>,
) -> Result<Submitted> {
    let Some(run_at) = stored.run_at else {
        let id = stored.holder.unwrap_or(first.id);
        let standing = old.get(&id).ok_or_else(|| corrupt(format!("job {id} is not stored")))?;
        let duplicate = id != job.id;
        let offer = Some(standing.offer.clone()).filter(|_| !duplicate && standing.state == JobState::Queued);
        return Ok(Submitted { id, duplicate, state: standing.state, offer });
    };
    let duplicate = first.id != job.id;
    let state = if stored.later { JobState::Scheduled } else { JobState::Queued };
    let offer = Offer { job: first.id, queue: queue_of(first), priority: first.options.priority, run_at };
    let offer = Some(offer).filter(|_| !duplicate && state == JobState::Queued);
    Ok(Submitted { id: first.id, duplicate, state, offer })
}

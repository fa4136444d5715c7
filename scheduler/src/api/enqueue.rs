//! Enqueue: resolve, check, store with others, answer after the commit, offer.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use model::bounds::{BATCH_JOBS_MAX, PAYLOAD_BYTES_MAX};
use model::id::JobId;
use model::job::{JobOptions, NewJob};
use model::json::Json;
use model::name::Namespace;
use model::task::TaskRef;
use rpc::{Code, Error, v1};
use store::Submitted;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Api, namespace, options};
use crate::answer::{EXTRA_DEADLINE, STORE_DEADLINE, refusal, too_late};
use crate::desk::reference;
use crate::tasks::Known;

/// Payloads that are checked where they came in; more are checked beside, for it takes milliseconds.
const CHECKED_AT_ONCE_BYTES: usize = 64 << 10;

/// Earlier jobs looked up at once.
const LOOKUPS: usize = 8;

/// A job that is resolved, with its payload still to check.
struct Draft {
    id: JobId,
    known: Arc<Known>,
    options: JobOptions,
    payload: Vec<u8>,
}

/// Stores jobs, all or none.
pub(super) async fn enqueue(api: &Api, request: v1::EnqueueRequest) -> Result<v1::EnqueueResponse, Error> {
    let namespace = namespace(&request.namespace)?;
    let total = request.jobs.len();
    if total > BATCH_JOBS_MAX {
        let message = format!("{total} jobs are more than the limit of {BATCH_JOBS_MAX} in one call");
        return Err(Error::new(Code::Invalid, message).hint("split the batch"));
    }
    if total == 0 {
        return Ok(v1::EnqueueResponse::default());
    }
    // A batch asks for many tasks, each within a deadline; all of them have no more time than one.
    let resolved = timeout(STORE_DEADLINE, resolve_all(api, &namespace, request.jobs)).await;
    let (drafts, refused) = resolved.map_err(|_| refusal(too_late(STORE_DEADLINE)))?;
    let knowns: Vec<Arc<Known>> = drafts.iter().map(|draft| Arc::clone(&draft.known)).collect();
    // A payload further up in the batch may be at fault too, and the first fault is named.
    let jobs = check_all(namespace.clone(), drafts).await.map_err(|(at, error)| named(at, total, error))?;
    if let Some((at, error)) = refused {
        return Err(named(at, total, error));
    }
    let queues: Vec<String> = jobs.iter().map(|job| job.options.queue.to_string()).collect();
    let submitted = api.submitter.submit(jobs).await?;
    let offers = submitted.iter().filter_map(|one| one.offer.clone()).map(reference).collect();
    api.bell.offer(offers);
    let answers = submitted.into_iter().zip(knowns).zip(queues);
    let by = Instant::now() + EXTRA_DEADLINE;
    let jobs = stream::iter(answers)
        .map(|((submitted, known), queue)| describe(api, &namespace, submitted, known, queue, by))
        .buffered(LOOKUPS)
        .collect()
        .await;
    Ok(v1::EnqueueResponse { jobs })
}

/// Resolves jobs up to the first that is at fault.
async fn resolve_all(
    api: &Api,
    namespace: &Namespace,
    jobs: Vec<v1::NewJob>,
) -> (Vec<Draft>, Option<(usize, Error)>) {
    let mut drafts: Vec<Draft> = Vec::with_capacity(jobs.len());
    let mut ids = HashSet::with_capacity(jobs.len());
    for (at, job) in jobs.into_iter().enumerate() {
        match resolve(api, namespace, job).await {
            Ok(draft) if ids.insert(draft.id) => drafts.push(draft),
            Ok(draft) => {
                let error = Error::new(Code::Invalid, format!("id: {} stands twice in the batch", draft.id));
                return (drafts, Some((at, error)));
            }
            Err(error) => return (drafts, Some((at, error))),
        }
    }
    (drafts, None)
}

async fn resolve(api: &Api, namespace: &Namespace, job: v1::NewJob) -> Result<Draft, Error> {
    let task: TaskRef = job.task.parse()?;
    let now = api.clock.now();
    let id = if job.id.is_empty() { JobId::generate(now) } else { callers_id(&job.id)? };
    let options = options::read(job.options.unwrap_or_default(), now)?;
    let known = api.tasks.resolve(namespace, &task).await?;
    known.allow(&options.limits)?;
    Ok(Draft { id, known, options, payload: job.payload })
}

/// Ids sort by time, in the tables too: another kind of UUID would scatter its rows.
pub(super) fn callers_id(text: &str) -> Result<JobId, Error> {
    let id: JobId = text.parse()?;
    if id.0.get_version_num() != 7 {
        return Err(Error::new(Code::Invalid, format!("id: {text} is not a UUID of version 7")));
    }
    Ok(id)
}

/// Checks payloads up to the first that is at fault.
async fn check_all(namespace: Namespace, drafts: Vec<Draft>) -> Result<Vec<NewJob>, (usize, Error)> {
    let bytes: usize = drafts.iter().map(|draft| draft.payload.len()).sum();
    let check = move || {
        let each = drafts.into_iter().enumerate();
        each.map(|(at, draft)| check(&namespace, draft).map_err(|error| (at, error))).collect()
    };
    if bytes <= CHECKED_AT_ONCE_BYTES {
        return check();
    }
    tokio::task::spawn_blocking(check).await.unwrap_or_else(|panic| {
        Err((0, Error::new(Code::Internal, format!("checking the payload broke: {panic}"))))
    })
}

fn check(namespace: &Namespace, draft: Draft) -> Result<NewJob, Error> {
    let Draft { id, known, options, payload } = draft;
    let payload = if payload.is_empty() {
        Json::default()
    } else {
        Json::check("payload", payload, PAYLOAD_BYTES_MAX)?
    };
    known.job(id, namespace.clone(), payload, options)
}

/// The error of one job of a batch says which, counted from 1 like the lines of a file.
fn named(at: usize, total: usize, error: Error) -> Error {
    if total == 1 {
        return error;
    }
    Error { message: format!("job {} of {total}: {}", at + 1, error.message), ..error }
}

async fn describe(
    api: &Api,
    namespace: &Namespace,
    submitted: Submitted,
    known: Arc<Known>,
    queue: String,
    by: Instant,
) -> v1::EnqueuedJob {
    let mut version = known.version.version;
    if submitted.duplicate {
        // An earlier job keeps the version it was pinned to. It is stored already: an error here is none of
        // the call.
        if let Ok(Ok(earlier)) = timeout_at(by, api.store.job(namespace, submitted.id)).await {
            version = earlier.version;
        }
    }
    v1::EnqueuedJob {
        id: submitted.id.to_string(),
        task: known.version.task.to_string(),
        version,
        state: submitted.state.as_str().to_owned(),
        queue,
        duplicate: submitted.duplicate,
    }
}

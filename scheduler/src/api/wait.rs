//! WaitJobs: a stream that tells of each job once, when it has ended.

use std::collections::HashSet;

use futures::stream::{self, StreamExt};
use model::bounds::BATCH_JOBS_MAX;
use model::id::JobId;
use model::job::JobState;
use rpc::{Code, Error, v1};
use service::Shutdown;
use store::record::job_missing;
use tonic::Status;

use super::{Answers, Api, namespace};
use crate::answer::{ask, refusal};
use crate::waiting::{Waiter, ended};

struct Wait {
    waiter: Waiter,
    open: HashSet<JobId>,
    ended: Vec<(JobId, JobState)>,
    shutdown: Shutdown,
    over: bool,
}

/// Tells of each of the jobs once.
pub(super) async fn wait(api: &Api, request: v1::WaitJobsRequest) -> Result<Answers<v1::JobEnded>, Error> {
    let namespace = namespace(&request.namespace)?;
    let asked = request.ids.len();
    if asked > BATCH_JOBS_MAX {
        let message = format!("{asked} jobs are more than the limit of {BATCH_JOBS_MAX} in one call");
        return Err(Error::new(Code::Invalid, message));
    }
    let open: HashSet<JobId> = request.ids.iter().map(|id| id.parse()).collect::<Result<_, _>>()?;
    let jobs: Vec<JobId> = open.iter().copied().collect();
    // Whoever ends from here on is told by the waiter; whoever ended before is seen in the store.
    let waiter = api.waiting.register(jobs.clone());
    let states = ask(api.store.states(&jobs)).await?;
    let known: HashSet<JobId> =
        states.iter().filter(|one| one.namespace == namespace).map(|one| one.id).collect();
    if let Some(missing) = jobs.iter().find(|id| !known.contains(id)) {
        return Err(refusal(job_missing(*missing)));
    }
    let wait = Wait { waiter, open, ended: ended(&states), shutdown: api.shutdown.clone(), over: false };
    // The stream holds nothing but its place in the list; when the client leaves, it is dropped with it.
    Ok(stream::unfold(wait, next).boxed())
}

async fn next(mut wait: Wait) -> Option<(Result<v1::JobEnded, Status>, Wait)> {
    while !wait.over && !wait.open.is_empty() {
        let (id, state) = match wait.ended.pop() {
            Some(ended) => ended,
            None => tokio::select! {
                ended = wait.waiter.told() => ended,
                () = wait.shutdown.draining() => {
                    wait.over = true;
                    return Some((Err(Api::stopping().into()), wait));
                }
            },
        };
        if wait.open.remove(&id) {
            let ended = v1::JobEnded { id: id.to_string(), state: state.as_str().to_owned() };
            return Some((Ok(ended), wait));
        }
    }
    None
}

//! Group commit of concurrent calls: each call is stored whole or not at all, many of them in one
//! transaction.

use std::collections::HashSet;
use std::sync::Arc;

use model::bounds::BATCH_JOBS_MAX;
use model::job::NewJob;
use rpc::{Code, Error};
use service::{Coalescer, Gone};
use store::{Store, Submit, Submitted};
use tokio::time::Instant;

use crate::answer::{STORE_DEADLINE, refusal, within};

/// Calls that are taken together.
const CALLS_MAX: usize = 500;

/// Payloads in one transaction of several calls: keeps one with large payloads from holding up many.
const GROUP_BYTES_MAX: usize = 8 << 20;

type Call = Vec<NewJob>;
type Answer = Result<Vec<Submitted>, Error>;

/// Stores jobs together with those of other calls.
pub(super) struct Submitter {
    line: Coalescer<Call, Answer>,
}

impl Submitter {
    pub(super) fn start(store: Arc<dyn Store>) -> Self {
        let line = Coalescer::start(CALLS_MAX, move |calls| {
            let store = Arc::clone(&store);
            async move {
                let mut answers = Vec::with_capacity(calls.len());
                for group in groups(calls) {
                    answers.extend(submit_group(&*store, group).await);
                }
                answers
            }
        });
        Self { line }
    }

    /// Durable when it answers.
    ///
    /// # Errors
    /// What the store says of this call's jobs; nothing of them is stored then. After `Unavailable` that is
    /// not known, and the same call may be made again with the same ids.
    pub(super) async fn submit(&self, jobs: Call) -> Answer {
        self.line.call(jobs).await.unwrap_or_else(|Gone| {
            Err(Error::new(Code::Internal, "it is not known whether the jobs were stored")
                .hint("a call with the same ids is safe to repeat"))
        })
    }
}

/// Calls in their order, together as far as they fit into one transaction and share no id.
fn groups(calls: Vec<Call>) -> Vec<Vec<Call>> {
    let mut groups: Vec<Vec<Call>> = Vec::new();
    let (mut count, mut bytes, mut ids) = (0, 0, HashSet::new());
    for call in calls {
        let more: usize = call.iter().map(|job| job.payload.as_bytes().len()).sum();
        let fits = !groups.is_empty()
            && count + call.len() <= BATCH_JOBS_MAX
            && bytes + more <= GROUP_BYTES_MAX
            && call.iter().all(|job| !ids.contains(&job.id));
        if !fits {
            groups.push(Vec::new());
            (count, bytes) = (0, 0);
            ids.clear();
        }
        count += call.len();
        bytes += more;
        ids.extend(call.iter().map(|job| job.id));
        if let Some(group) = groups.last_mut() {
            group.push(call);
        }
    }
    groups
}

async fn submit_group(store: &dyn Store, group: Vec<Call>) -> Vec<Answer> {
    let deadline = Instant::now() + STORE_DEADLINE;
    if group.len() > 1 {
        let together = group.iter().flatten().cloned().collect();
        if let Ok(submitted) = submit(store, together, deadline).await {
            let mut submitted = submitted.into_iter();
            return group.iter().map(|call| Ok(submitted.by_ref().take(call.len()).collect())).collect();
        }
    }
    // One call at fault fails alone. What the first try stored after all is found again by its ids.
    let mut answers = Vec::with_capacity(group.len());
    for call in group {
        answers.push(submit(store, call, deadline).await);
    }
    answers
}

async fn submit(store: &dyn Store, jobs: Call, deadline: Instant) -> Answer {
    let count = jobs.len();
    let left = deadline.saturating_duration_since(Instant::now());
    let submitted = within(left, store.submit(Submit { jobs, parent: None })).await.map_err(refusal)?;
    if submitted.len() != count {
        let message = format!("the store answered for {} of {count} jobs", submitted.len());
        tracing::error!("{message}");
        return Err(Error::new(Code::Internal, message));
    }
    Ok(submitted)
}

#[cfg(test)]
mod tests {
    use model::clock::{Clock, SystemClock};
    use model::id::{JobId, VersionId};
    use model::job::JobOptions;
    use model::json::Json;
    use model::name::Namespace;

    use super::*;

    fn call(count: usize, payload_bytes: usize) -> Call {
        let payload = Json::trusted(vec![b'1'; payload_bytes]);
        let job = || NewJob {
            id: JobId::generate(SystemClock.now()),
            namespace: Namespace::default(),
            version: VersionId(1),
            payload: payload.clone(),
            max_attempts: 1,
            options: JobOptions::default(),
        };
        (0..count).map(|_| job()).collect()
    }

    fn sizes(calls: Vec<Call>) -> Vec<usize> {
        groups(calls).iter().map(Vec::len).collect()
    }

    #[test]
    fn calls_go_together_as_far_as_they_fit() {
        assert_eq!(sizes((0..10).map(|_| call(1, 2)).collect()), [10]);
        assert_eq!(sizes(vec![call(600, 2), call(400, 2), call(1, 2)]), [2, 1]);
        assert_eq!(sizes(vec![call(1, 5 << 20), call(1, 5 << 20), call(1, 2)]), [1, 2]);
    }

    #[test]
    fn a_call_and_its_repetition_go_apart() {
        let twice = call(3, 2);

        assert_eq!(sizes(vec![twice.clone(), twice]), [1, 1]);
    }
}

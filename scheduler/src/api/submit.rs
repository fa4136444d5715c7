//! Group commit of concurrent calls: each call is stored whole or not at all, many of them in one
//! transaction.

use std::collections::HashSet;
use std::sync::Arc;

use model::bounds::BATCH_JOBS_MAX;
use model::job::NewJob;
use rpc::{Code, Error};
use service::{Coalescer, Gone};
use store::{Store, Submit, Submitted};
use tokio::time::{Instant, timeout_at};

use crate::answer::{STORE_DEADLINE, refusal, too_late, within};

/// Calls that are taken together.
const CALLS_MAX: usize = 500;

/// Payloads in one transaction of several calls: keeps one with large payloads from holding up many.
const GROUP_BYTES_MAX: usize = 8 << 20;

/// Jobs that are stored whole or not at all, and until when somebody waits for that.
#[derive(Clone)]
struct Call {
    jobs: Vec<NewJob>,
    by: Instant,
}

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

    /// Durable when it answers, and it answers in time: also while those before it in the line wait for the store.
    ///
    /// # Errors
    /// What the store says of this call's jobs; nothing of them is stored then. After `Unavailable` that is
    /// not known, and the same call may be made again with the same ids.
    pub(super) async fn submit(&self, jobs: Vec<NewJob>) -> Answer {
        let by = Instant::now() + STORE_DEADLINE;
        match timeout_at(by, self.line.call(Call { jobs, by })).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Gone)) => Err(Error::new(Code::Internal, "it is not known whether the jobs were stored")
                .hint("a call with the same ids is safe to repeat")),
            Err(_) => Err(refusal(too_late(STORE_DEADLINE))),
        }
    }
}

/// Calls in their order, together as far as they fit into one transaction and share no id.
fn groups(calls: Vec<Call>) -> Vec<Vec<Call>> {
    let mut groups: Vec<Vec<Call>> = Vec::new();
    let (mut count, mut bytes, mut ids) = (0, 0, HashSet::new());
    for call in calls {
        let more: usize = call.jobs.iter().map(|job| job.payload.as_bytes().len()).sum();
        let fits = !groups.is_empty()
            && count + call.jobs.len() <= BATCH_JOBS_MAX
            && bytes + more <= GROUP_BYTES_MAX
            && call.jobs.iter().all(|job| !ids.contains(&job.id));
        if !fits {
            groups.push(Vec::new());
            (count, bytes) = (0, 0);
            ids.clear();
        }
        count += call.jobs.len();
        bytes += more;
        ids.extend(call.jobs.iter().map(|job| job.id));
        if let Some(group) = groups.last_mut() {
            group.push(call);
        }
    }
    groups
}

async fn submit_group(store: &dyn Store, group: Vec<Call>) -> Vec<Answer> {
    if group.len() > 1 {
        // Whom the line has kept too long has been told so: nothing is stored behind its back.
        let now = Instant::now();
        let timely = || group.iter().filter(|call| call.by > now);
        let together: Vec<NewJob> = timely().flat_map(|call| &call.jobs).cloned().collect();
        let latest = timely().map(|call| call.by).max().unwrap_or(now);
        match submit(store, together, latest).await {
            Ok(submitted) => {
                let mut submitted = submitted.into_iter();
                let mut answer = |call: &Call| match call.by > now {
                    true => Ok(submitted.by_ref().take(call.jobs.len()).collect()),
                    false => Err(refusal(too_late(STORE_DEADLINE))),
                };
                return group.iter().map(&mut answer).collect();
            }
            // It is nobody's fault, and the next one would wait as long.
            Err(error) if error.code == Code::Unavailable => {
                return group.iter().map(|_| Err(error.clone())).collect();
            }
            Err(_) => {}
        }
    }
    // One call at fault fails alone. What the first try stored after all is found again by its ids.
    let mut answers = Vec::with_capacity(group.len());
    for call in group {
        answers.push(submit(store, call.jobs, call.by).await);
    }
    answers
}

async fn submit(store: &dyn Store, jobs: Vec<NewJob>, by: Instant) -> Answer {
    let count = jobs.len();
    let left = by.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(refusal(too_late(STORE_DEADLINE)));
    }
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
    use model::grants::Grants;
    use model::id::{Digest, JobId, VersionId};
    use model::job::JobOptions;
    use model::json::Json;
    use model::limits::{LimitOverrides, Limits};
    use model::name::{Namespace, TaskName};
    use model::task::{Manifest, TaskDescription};
    use store::{Components, Jobs, Publish, PublishTask};
    use store_sqlite::SqliteStore;

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
        Call { jobs: (0..count).map(|_| job()).collect(), by: Instant::now() + STORE_DEADLINE }
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

    /// A version that jobs can be of.
    async fn version(store: &SqliteStore) -> VersionId {
        let task: TaskName = "t".parse().expect("a name");
        let description = TaskDescription {
            name: task.clone(),
            description: String::new(),
            input_schema: None,
            output_schema: None,
            limits: LimitOverrides::default(),
            max_attempts: None,
        };
        let manifest = Manifest {
            description,
            imports: Vec::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            deterministic: false,
        };
        let publish = Publish {
            namespace: Namespace::default(),
            bytes: Vec::new(),
            sha256: Digest::of(b""),
            tasks: vec![PublishTask { task, manifest }],
            promote: true,
        };
        store.publish(publish).await.expect("published")[0].version.id
    }

    #[tokio::test]
    async fn who_was_told_that_it_is_too_late_finds_nothing_stored_behind_his_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("jobs.db")).await.expect("a store");
        assert_eq!(version(&store).await, VersionId(1));
        let (late, timely) = (Call { by: Instant::now(), ..call(2, 2) }, call(3, 2));
        let stored = timely.jobs.iter().map(|job| job.id).collect::<Vec<_>>();

        let answers = submit_group(&store, vec![late.clone(), timely]).await;
        let alone = submit_group(&store, vec![late.clone()]).await;

        let told = answers[1].as_ref().expect("it is stored").iter().map(|one| one.id);
        assert_eq!(told.collect::<Vec<_>>(), stored);
        for answer in [&answers[0], &alone[0]] {
            assert_eq!(answer.as_ref().expect_err("it is late").code, Code::Unavailable);
        }
        for job in late.jobs {
            assert!(store.job(&Namespace::default(), job.id).await.is_err());
        }
    }
}

//! Runs of schedules: made into jobs as if somebody had enqueued them, and cancelled to make room for the next.

use std::sync::Arc;
use std::time::Duration;

use broker::Signal;
use chrono::{DateTime, Utc};
use model::bounds::PAYLOAD_BYTES_MAX;
use model::id::{JobId, Lease};
use model::job::{JobOptions, NewJob, Start};
use model::json::Json;
use model::name::Namespace;
use model::schedule::{ScheduleSpec, payload_for};
use rpc::{Code, Error};
use store::{Cancel, Cancelled, Store};

use crate::answer::within;
use crate::carrier::Bell;
use crate::hosts::Hosts;
use crate::tasks::{Known, Tasks};

/// Payloads that are checked where they are; a longer one is checked beside, for it takes milliseconds.
const CHECKED_AT_ONCE_BYTES: usize = 16 << 10;

/// How long the store may take to cancel.
const CANCEL_DEADLINE: Duration = Duration::from_secs(5);

/// A run of a schedule that is to become a job.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    /// Where the schedule lives.
    pub(crate) namespace: &'a Namespace,
    /// What it is.
    pub(crate) spec: &'a ScheduleSpec,
    /// What its task gets, before the instant is put in.
    pub(crate) payload: &'a Json,
    /// The instant.
    pub(crate) instant: DateTime<Utc>,
    /// When the job may start.
    pub(crate) start: Start,
    /// The id of the job; none: a fresh one.
    pub(crate) id: Option<JobId>,
}

/// Why a run makes no job.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// The task, or the version that the schedule names, is not there.
    Gone(Error),
    /// The job would not be taken: its payload does not fit the task, or a limit is over the version's.
    Refused(Error),
    /// It is not known: the store did not answer, or something of ours broke.
    Failed(Error),
}

impl From<Misfit> for Error {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Gone(error) | Misfit::Refused(error) | Misfit::Failed(error) => error,
        }
    }
}

/// Makes the job of a run, its version resolved and all of it checked, as enqueue does. A fresh id sorts by `now`.
///
/// # Errors
/// Why there is none.
pub(crate) async fn job_of(tasks: &Tasks, run: Run<'_>, now: DateTime<Utc>) -> Result<NewJob, Misfit> {
    let known = tasks.resolve(run.namespace, &run.spec.task).await.map_err(|error| match error.code {
        Code::NotFound => Misfit::Gone(error),
        _ => Misfit::Failed(error),
    })?;
    let options = run.spec.run.job_options(run.start);
    known.allow(&options.limits).map_err(Misfit::Refused)?;
    let payload = payload_for(run.payload, run.instant);
    let seen = payload.as_bytes().len();
    if seen > PAYLOAD_BYTES_MAX {
        let message = format!(
            "payload: {seen} bytes with the instant in it are more than the limit of {PAYLOAD_BYTES_MAX} bytes"
        );
        return Err(Misfit::Refused(Error::new(Code::Invalid, message)));
    }
    let id = run.id.unwrap_or_else(|| JobId::generate(now));
    checked(known, id, run.namespace.clone(), payload, options).await
}

async fn checked(
    known: Arc<Known>,
    id: JobId,
    namespace: Namespace,
    payload: Json,
    options: JobOptions,
) -> Result<NewJob, Misfit> {
    let bytes = payload.as_bytes().len();
    let check = move || known.job(id, namespace, payload, options).map_err(Misfit::Refused);
    if bytes <= CHECKED_AT_ONCE_BYTES {
        return check();
    }
    tokio::task::spawn_blocking(check).await.unwrap_or_else(|panic| {
        let message = format!("checking the payload broke: {panic}");
        Err(Misfit::Failed(Error::new(Code::Internal, message)))
    })
}

/// Cancels runs, at once and without grace. That it is wished is in the store when this returns; the hosts of those that
/// run are told beside.
///
/// # Errors
/// When the store fails; doing it again is harmless.
pub(crate) async fn cancel(
    store: &dyn Store,
    hosts: &Arc<Hosts>,
    bell: &Bell,
    namespace: &Namespace,
    ids: Vec<JobId>,
) -> store::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let cancel = Cancel { namespace: namespace.clone(), ids: ids.clone(), grace_ms: 0 };
    let answers = within(CANCEL_DEADLINE, store.cancel(cancel)).await?;
    let (mut ended, mut running): (Vec<JobId>, Vec<Lease>) = (Vec::new(), Vec::new());
    for (id, answer) in ids.into_iter().zip(answers) {
        match answer {
            Cancelled::Done => ended.push(id),
            Cancelled::Asked(lease) => running.push(lease),
            Cancelled::Already(_) | Cancelled::Unknown => {}
        }
    }
    if !ended.is_empty() {
        bell.signal(Signal::Ended(ended));
    }
    if !running.is_empty() {
        // A host that is not reached takes seconds, and learns of it by its heartbeat: nobody waits for that.
        let hosts = Arc::clone(hosts);
        tokio::spawn(async move { hosts.interrupt(running, 0).await });
    }
    Ok(())
}

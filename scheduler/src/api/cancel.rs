//! Cancel and retry. A cancel is a fact in the store first; then the host that runs the job is told at once.

use std::time::Duration;

use broker::Signal;
use model::id::{JobId, Lease};
use model::job::JobState;
use model::name::Namespace;
use rpc::{Error, v1};
use store::{Cancel, Cancelled};

use super::{Api, HOST_DEADLINE, namespace};
use crate::answer::ask;
use crate::desk::reference;

/// Cancels a job and says how far that has come.
pub(super) async fn cancel(api: &Api, request: v1::CancelJobRequest) -> Result<v1::CancelJobResponse, Error> {
    let namespace = namespace(&request.namespace)?;
    let id = api.job_id(&namespace, &request.id).await?;
    let cancel = Cancel { namespace: namespace.clone(), id };
    let answer = |state: JobState, changed, host_reached| v1::CancelJobResponse {
        id: id.to_string(),
        state: state.as_str().to_owned(),
        changed,
        host_reached,
    };
    match ask(api.store.cancel(cancel)).await? {
        Cancelled::Done => {
            api.bell.signal(Signal::Ended(vec![id]));
            Ok(answer(JobState::Cancelled, true, false))
        }
        Cancelled::Already(state) => Ok(answer(state, false, false)),
        Cancelled::Asked(lease) => {
            let reached = interrupt(api, lease).await;
            let state = state_now(api, &namespace, id).await.unwrap_or(JobState::Running);
            Ok(answer(state, true, reached))
        }
    }
}

/// Tells the host that holds the lease; whether it knows now. If not, it learns by its next sign of life.
async fn interrupt(api: &Api, lease: Lease) -> bool {
    match tokio::time::timeout(2 * HOST_DEADLINE, try_interrupt(api, lease)).await {
        Ok(Ok(status)) => status == "stopping" || status == "ended",
        Ok(Err(error)) => {
            tracing::warn!(job.id = %lease.job, session = lease.session.0, %error, "a host was not told of a cancel");
            false
        }
        Err(_) => {
            let waited: Duration = 2 * HOST_DEADLINE;
            tracing::warn!(job.id = %lease.job, session = lease.session.0, ?waited, "a host was not told of a cancel");
            false
        }
    }
}

async fn try_interrupt(api: &Api, lease: Lease) -> Result<String, Error> {
    let hosts = ask(api.store.hosts()).await?;
    let Some(host) = hosts.into_iter().find(|host| host.id == lease.session) else {
        // The session was closed meanwhile: its attempts are taken back.
        return Ok("unknown".to_owned());
    };
    let mut client = api.dialer.dial(&host.address).await?;
    let request = v1::InterruptRequest {
        job: lease.job.0.as_bytes().to_vec(),
        attempt: lease.attempt,
        session: lease.session.0,
    };
    Ok(client.interrupt(request).await.map_err(Error::from)?.into_inner().status)
}

/// Where the job stands after the host was told. To be read, it need not be known.
async fn state_now(api: &Api, namespace: &Namespace, id: JobId) -> Option<JobState> {
    ask(api.store.job(namespace, id)).await.ok().map(|job| job.state)
}

/// Lets a failed or cancelled job run again.
pub(super) async fn retry(api: &Api, request: v1::RetryJobRequest) -> Result<v1::RetryJobResponse, Error> {
    let namespace = namespace(&request.namespace)?;
    let id = api.job_id(&namespace, &request.id).await?;
    let offer = ask(api.store.retry(&namespace, id)).await?;
    api.bell.offer(vec![reference(offer)]);
    Ok(v1::RetryJobResponse { id: id.to_string(), state: JobState::Queued.as_str().to_owned() })
}

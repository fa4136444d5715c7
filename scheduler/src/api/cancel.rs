//! Cancel. It is a fact in the store first; then the host that runs the job is told at once.

use broker::Signal;
use model::error::Invalid;
use model::id::JobId;
use model::job::JobState;
use model::name::Namespace;
use model::units::show_duration_ms;
use rpc::{Error, v1};
use store::{Cancel, Cancelled};

use super::{Api, namespace};
use crate::answer::{EXTRA_DEADLINE, ask, refusal, within};

/// Longest grace, an hour: whoever leaves a guest more does not want to stop it.
const GRACE_MS_MAX: u64 = 60 * 60 * 1000;

/// Cancels a job and says how far that has come.
pub(super) async fn cancel(api: &Api, request: v1::CancelJobRequest) -> Result<v1::CancelJobResponse, Error> {
    let grace_ms = grace(request.grace_ms)?;
    let namespace = namespace(&request.namespace)?;
    let id = api.job_id(&namespace, &request.id).await?;
    let cancel = Cancel { namespace: namespace.clone(), ids: vec![id], grace_ms };
    let answer = |state: JobState, changed, host_reached| v1::CancelJobResponse {
        id: id.to_string(),
        state: state.as_str().to_owned(),
        changed,
        host_reached,
    };
    match ask(api.store.cancel(cancel)).await?.pop().unwrap_or(Cancelled::Unknown) {
        Cancelled::Done => {
            api.bell.signal(Signal::Ended(vec![id]));
            Ok(answer(JobState::Cancelled, true, false))
        }
        Cancelled::Already(state) => Ok(answer(state, false, false)),
        Cancelled::Asked(lease) => {
            let reached = api.hosts.interrupt(vec![lease], grace_ms).await > 0;
            let state = state_now(api, &namespace, id).await.unwrap_or(JobState::Running);
            Ok(answer(state, true, reached))
        }
        Cancelled::Unknown => Err(refusal(store::Error::NotFound { what: format!("job {id}") })),
    }
}

/// Checks how long a guest may go on.
pub(super) fn grace(ms: u64) -> Result<u64, Invalid> {
    if ms > GRACE_MS_MAX {
        let (seen, most) = (show_duration_ms(ms), show_duration_ms(GRACE_MS_MAX));
        return Err(Invalid::new("grace", format!("{seen} is over the limit of {most}")));
    }
    Ok(ms)
}

/// Where the job stands after the host was told. To be read, it need not be known.
async fn state_now(api: &Api, namespace: &Namespace, id: JobId) -> Option<JobState> {
    within(EXTRA_DEADLINE, api.store.job(namespace, id)).await.ok().map(|job| job.state)
}

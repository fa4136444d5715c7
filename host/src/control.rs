//! The control service: whoever runs the system reaches this host here, to interrupt an attempt or drain it.
//!
//! It carries no data and holds no truth: what it is told is in the store already, and arrives by the
//! heartbeat too. It runs on the thread of the heartbeat, so that no guest delays it.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt;
use futures::StreamExt;
use futures::stream::{BoxStream, unfold};
use model::id::{Lease, SessionId};
use rpc::v1::host_control_server::{HostControl, HostControlServer};
use rpc::v1::{
    DrainRequest, DrainResponse, HostStatusRequest, HostStatusResponse, InterruptRequest, InterruptResponse,
    WatchRequest, WatchResponse,
};
use rpc::{Code, Error};
use service::Shutdown;
use store::Store;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::attempt::Runner;
use crate::executor::Executor;
use crate::patience::patient;
use crate::running::{Running, Told};
use crate::session::Session;

/// How long connections may take to end once the service does.
const END_PATIENCE: Duration = Duration::from_millis(500);

/// Between two words of a watch when nothing changes: a leader that vanished without one acknowledges nothing, and its
/// connection ends instead of staying for ever.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// What the control service knows of the host.
pub(crate) struct Control {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) slots: usize,
    pub(crate) token: Option<String>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) running: Arc<Running>,
    pub(crate) runner: Arc<Runner>,
    pub(crate) sessions: watch::Receiver<Option<Arc<Session>>>,
    pub(crate) taking: Shutdown,
}

/// Serves the control service and the health pages until `stop`.
///
/// # Errors
/// When the socket cannot be used.
pub(crate) async fn serve(
    listener: TcpListener,
    control: Arc<Control>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
        // Without it a small answer may wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    let ending = stop.clone();
    let serving =
        axum::serve(listener, router(control, stop.clone())).with_graceful_shutdown(stop.cancelled_owned());
    tokio::select! {
        served = async { serving.await } => served,
        () = async {
            ending.cancelled().await;
            tokio::time::sleep(END_PATIENCE).await;
        } => Ok(()),
    }
}

fn router(control: Arc<Control>, ending: CancellationToken) -> Router {
    let token = control.token.clone();
    let (sessions, taking) = (control.sessions.clone(), control.taking.clone());
    let check = move |request: Request<()>| match authorized(token.as_deref(), &request) {
        true => Ok(request),
        false => Err(Status::from(
            Error::new(Code::Unauthenticated, "the token is missing or wrong")
                .hint("schedulers and hosts share one: --token or JOBCTL_TOKEN"),
        )),
    };
    let service = HostControlServer::with_interceptor(Service { host: control, ending }, check);
    let ready = move || {
        let held = sessions.borrow().as_ref().is_some_and(|session| session.is_held());
        let answer = match (taking.is_draining(), held) {
            (true, _) => DRAINING,
            (false, true) => (StatusCode::OK, "ready\n"),
            (false, false) => NOT_READY,
        };
        async move { answer }
    };
    Routes::new(service)
        .into_axum_router()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
}

const NOT_READY: (StatusCode, &str) = (StatusCode::SERVICE_UNAVAILABLE, "no session with the store\n");

const DRAINING: (StatusCode, &str) = (StatusCode::SERVICE_UNAVAILABLE, "draining: no new work\n");

fn authorized(token: Option<&str>, request: &Request<()>) -> bool {
    let Some(token) = token else { return true };
    let shown = request.metadata().get("authorization").map(|value| value.as_bytes()).unwrap_or_default();
    let shown = shown.strip_prefix(b"Bearer ").unwrap_or_default();
    shown.ct_eq(token.as_bytes()).into()
}

struct Service {
    host: Arc<Control>,
    /// The end of the service.
    ending: CancellationToken,
}

impl Service {
    fn session(&self) -> Option<SessionId> {
        self.host.sessions.borrow().as_ref().map(|session| session.id())
    }

    fn status_of(&self, lease: Lease, grace: Duration) -> &'static str {
        if self.session() != Some(lease.session) {
            return "unknown";
        }
        match self.host.running.interrupt(lease, grace) {
            Told::Stopping => "stopping",
            Told::Ended => "ended",
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[tonic::async_trait]
impl HostControl for Service {
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn interrupt(
        &self,
        request: Request<InterruptRequest>,
    ) -> Result<Response<InterruptResponse>, Status> {
        let lease = rpc::lease_of(request.get_ref()).map_err(Error::from)?;
        let grace_ms = request.get_ref().grace_ms;
        let status = self.status_of(lease, Duration::from_millis(grace_ms));
        tracing::info!(job.id = %lease.job, attempt = lease.attempt, grace_ms, status, "asked to interrupt an attempt");
        Ok(Response::new(InterruptResponse { status: status.to_owned() }))
    }

    async fn drain(&self, request: Request<DrainRequest>) -> Result<Response<DrainResponse>, Status> {
        let session = SessionId(request.get_ref().session);
        if self.session() != Some(session) {
            let error = Error::new(Code::NotFound, format!("session {session} is not this host's session"));
            return Err(error.hint("it has begun another one: look it up again").into());
        }
        let running = count(self.host.running.count());
        if !self.host.taking.is_draining() {
            tracing::info!("asked to drain: no new work, what runs may end");
            self.host.taking.drain();
        }
        if let Err(error) = patient(self.host.store.drain(session)).await {
            tracing::debug!(%error, "the drain is not shown in the store");
        }
        Ok(Response::new(DrainResponse { running }))
    }

    async fn host_status(
        &self,
        _request: Request<HostStatusRequest>,
    ) -> Result<Response<HostStatusResponse>, Status> {
        let host = &self.host;
        Ok(Response::new(HostStatusResponse {
            session: self.session().map_or(0, |session| session.0),
            name: host.name.clone(),
            version: host.version.clone(),
            slots: count(host.slots),
            running: count(host.running.count()),
            draining: host.taking.is_draining(),
            components_compiled: host.executor.compiled(),
            attempts_finished: host.runner.recorded(),
        }))
    }

    async fn watch(&self, _request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let name = self.host.name.clone();
        let said = sessions(self.host.sessions.clone(), self.ending.clone());
        let said = said.map(move |session| Ok(WatchResponse { session, name: name.clone() }));
        Ok(Response::new(said.boxed()))
    }
}

/// The session now, at each change, and now and then again; 0 between two. Ends in order with the service, which
/// would have to break it off otherwise.
fn sessions(
    mut sessions: watch::Receiver<Option<Arc<Session>>>,
    ending: CancellationToken,
) -> BoxStream<'static, i64> {
    sessions.mark_changed();
    let said = unfold((sessions, ending), |(mut sessions, ending)| async move {
        let changed = tokio::time::timeout(SAY_AGAIN, sessions.changed());
        // Without a sender the host has ended: its service is about to.
        if let Ok(Err(_)) = ending.run_until_cancelled(changed).await? {
            return None;
        }
        let session = sessions.borrow_and_update().as_ref().map_or(0, |session| session.id().0);
        Some((session, (sessions, ending)))
    });
    said.boxed()
}

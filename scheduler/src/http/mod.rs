//! One port for everything: the API over gRPC, the dashboard's pages, and the two probes.

mod bodies;
mod guard;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rpc::MESSAGE_BYTES_MAX;
use rpc::v1::admission_server::AdmissionServer;
use rpc::v1::cluster_server::ClusterServer;
use rpc::v1::jobs_server::JobsServer;
use rpc::v1::schedules_server::SchedulesServer;
use rpc::v1::tasks_server::TasksServer;
use service::Shutdown;
use store::Store;
use tonic::Status;
use tonic::service::Routes;

use crate::answer::within;
use crate::api::Api;
use crate::desk::Desk;
use guard::Guard;

/// How long a page may take to be drawn.
const PAGE_DEADLINE: Duration = Duration::from_secs(10);

/// How long the store may take to be called ready: long enough for it to say why it gives us no connection.
const READY_DEADLINE: Duration = Duration::from_secs(3);

/// What the port answers.
pub(crate) fn router(
    api: Arc<Api>,
    pages: dashboard::Parts,
    desk: Arc<Desk>,
    token: Option<&str>,
    shutdown: Shutdown,
) -> Router {
    let store = Arc::clone(&pages.store);
    let guard = Guard::new(token);
    let probes = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(Probe { store, desk, shutdown });
    grpc(api)
        .layer(from_fn(bodies::bounded))
        .merge(dashboard::router(pages).layer(from_fn(in_time)))
        .layer(from_fn_with_state(guard, guard::check))
        .merge(probes)
        .fallback(nothing)
}

fn grpc(api: Arc<Api>) -> Router {
    let jobs = JobsServer::from_arc(Arc::clone(&api))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let tasks = TasksServer::from_arc(Arc::clone(&api)).max_encoding_message_size(MESSAGE_BYTES_MAX);
    let schedules = SchedulesServer::from_arc(Arc::clone(&api))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let admission = AdmissionServer::from_arc(Arc::clone(&api)).max_decoding_message_size(MESSAGE_BYTES_MAX);
    Routes::new(jobs)
        .add_service(tasks)
        .add_service(schedules)
        .add_service(ClusterServer::from_arc(api))
        .add_service(admission)
        .into_axum_router()
        .reset_fallback()
}

/// A page whose store hangs says so.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(PAGE_DEADLINE, next.run(request)).await.unwrap_or_else(|_| {
        (StatusCode::SERVICE_UNAVAILABLE, "the store did not answer in time\n").into_response()
    })
}

#[derive(Clone)]
struct Probe {
    store: Arc<dyn Store>,
    desk: Arc<Desk>,
    shutdown: Shutdown,
}

/// Ready: it does not stop, and its store answers. Without the broker it takes jobs all the same.
async fn ready(State(probe): State<Probe>) -> Response {
    if probe.shutdown.is_leaving() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match within(READY_DEADLINE, probe.store.leader()).await {
        Ok(_) => match probe.desk.failure() {
            None => "ready\n".into_response(),
            Some(why) => format!("ready; the ready queue does not answer, jobs are taken and wait: {why}\n")
                .into_response(),
        },
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// What is not there, said in the language of the question.
async fn nothing(request: Request) -> Response {
    if guard::is_grpc(&request) {
        let path = request.uri().path();
        return Status::unimplemented(format!("this server has no {path}")).into_http();
    }
    (StatusCode::NOT_FOUND, "there is no such page\n").into_response()
}

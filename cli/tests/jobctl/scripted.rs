//! An API that answers as a test tells it to, to see what the client makes of it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures::{Stream, StreamExt, stream};
use rpc::v1::jobs_server::{Jobs, JobsServer};
use rpc::v1::schedules_server::SchedulesServer;
use rpc::{Code, Error, v1};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::scripted_schedules::ScheduleScript;

pub(crate) type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What one call of a stream gives: messages, and then its end or a cut.
pub(crate) struct Told<T> {
    pub(crate) messages: Vec<T>,
    pub(crate) end: End,
}

/// How a stream ends.
pub(crate) enum End {
    /// In order.
    Whole,
    /// The server went away.
    Cut,
    /// Never.
    Open,
}

/// What the server answers, and what it was asked.
#[derive(Default)]
pub(crate) struct Script {
    /// How many calls of `Enqueue` are answered by `Unavailable` after they were taken.
    pub(crate) enqueues_lost: usize,
    pub(crate) job: v1::Job,
    pub(crate) waits: VecDeque<Told<v1::JobEnded>>,
    pub(crate) logs: VecDeque<Told<v1::LogEntry>>,
    pub(crate) files: VecDeque<Told<v1::FileChunk>>,
    pub(crate) enqueued: Vec<v1::EnqueueRequest>,
    pub(crate) authorizations: Vec<Option<String>>,
    pub(crate) cancelled: v1::CancelJobResponse,
    pub(crate) cancel_asked: Vec<v1::CancelJobRequest>,
    /// Answers to `CancelJobs`, one a call.
    pub(crate) cancels: VecDeque<v1::CancelJobsResponse>,
    pub(crate) cancels_asked: Vec<v1::CancelJobsRequest>,
    /// Answers to `RetryJobs`, one a call.
    pub(crate) retries: VecDeque<v1::RetryJobsResponse>,
    pub(crate) retries_asked: Vec<v1::RetryJobsRequest>,
    pub(crate) schedules: ScheduleScript,
}

/// A running server.
pub(crate) struct Scripted {
    script: Arc<Mutex<Script>>,
    url: String,
    _runtime: Runtime,
}

impl Scripted {
    pub(crate) fn start(script: Script) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has one"));
        let script = Arc::new(Mutex::new(script));
        let service = JobsServer::new(Api(Arc::clone(&script)));
        let schedules = SchedulesServer::new(Api(Arc::clone(&script)));
        let server = Server::builder().add_service(service).add_service(schedules);
        runtime.spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { script, url, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Script) -> T) -> T {
        look(&self.script.lock().expect("unpoisoned"))
    }
}

pub(crate) struct Api(Arc<Mutex<Script>>);

impl Api {
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.0.lock().expect("unpoisoned"))
    }
}

pub(crate) fn gone() -> Status {
    Error::new(Code::Unavailable, "the server is stopping").into()
}

fn tell<T: Send + 'static>(told: Option<Told<T>>) -> Answer<Answers<T>> {
    let told = told.ok_or_else(gone)?;
    let messages = stream::iter(told.messages.into_iter().map(Ok));
    Ok(Response::new(match told.end {
        End::Whole => messages.boxed(),
        End::Cut => messages.chain(stream::iter([Err(gone())])).boxed(),
        End::Open => messages.chain(stream::pending()).boxed(),
    }))
}

#[tonic::async_trait]
impl Jobs for Api {
    type WaitJobsStream = Answers<v1::JobEnded>;
    type LogsStream = Answers<v1::LogEntry>;
    type GetFileStream = Answers<v1::FileChunk>;

    async fn enqueue(&self, request: Request<v1::EnqueueRequest>) -> Answer<v1::EnqueueResponse> {
        let bearer = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let bearer = bearer.map(str::to_owned);
        let request = request.into_inner();
        let jobs = request.jobs.iter().map(|job| v1::EnqueuedJob {
            id: job.id.clone(),
            task: job.task.clone(),
            state: "queued".to_owned(),
            ..v1::EnqueuedJob::default()
        });
        let answer = v1::EnqueueResponse { jobs: jobs.collect() };
        self.with(|script| {
            script.authorizations.push(bearer);
            script.enqueued.push(request);
            if script.enqueues_lost > 0 {
                script.enqueues_lost -= 1;
                return Err(gone());
            }
            Ok(Response::new(answer))
        })
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::Job> {
        let id = request.into_inner().id;
        Ok(Response::new(v1::Job { id, ..self.with(|script| script.job.clone()) }))
    }

    async fn wait_jobs(&self, request: Request<v1::WaitJobsRequest>) -> Answer<Self::WaitJobsStream> {
        let ids = request.into_inner().ids;
        let told = self.with(|script| {
            let state = script.job.state.clone();
            let told = script.waits.pop_front()?;
            // A script that names no job means those that were asked for.
            let messages = match told.end {
                End::Whole => ids.into_iter().map(|id| v1::JobEnded { id, state: state.clone() }).collect(),
                _ => told.messages,
            };
            Some(Told { messages, end: told.end })
        });
        tell(told)
    }

    async fn logs(&self, _: Request<v1::LogsRequest>) -> Answer<Self::LogsStream> {
        tell(self.with(|script| script.logs.pop_front()))
    }

    async fn get_file(&self, _: Request<v1::GetFileRequest>) -> Answer<Self::GetFileStream> {
        tell(self.with(|script| script.files.pop_front()))
    }

    async fn list_jobs(&self, _: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn cancel_job(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::CancelJobResponse> {
        Ok(Response::new(self.with(|script| {
            script.cancel_asked.push(request.into_inner());
            script.cancelled.clone()
        })))
    }

    async fn cancel_jobs(&self, request: Request<v1::CancelJobsRequest>) -> Answer<v1::CancelJobsResponse> {
        let answer = self.with(|script| {
            script.cancels_asked.push(request.into_inner());
            script.cancels.pop_front()
        });
        answer.map(Response::new).ok_or_else(|| Status::unimplemented("not in this script"))
    }

    async fn retry_job(&self, _: Request<v1::RetryJobRequest>) -> Answer<v1::RetryJobResponse> {
        Err(Status::unimplemented("not in this script"))
    }

    async fn retry_jobs(&self, request: Request<v1::RetryJobsRequest>) -> Answer<v1::RetryJobsResponse> {
        let answer = self.with(|script| {
            script.retries_asked.push(request.into_inner());
            script.retries.pop_front()
        });
        answer.map(Response::new).ok_or_else(|| Status::unimplemented("not in this script"))
    }
}

//! Publishing to a server whose database goes away in between.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use rpc::v1::tasks_server::{Tasks, TasksServer};
use rpc::{Code, Error, v1};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::runner::Runner;

/// Answers the first `lost` uploads with this error, each after it has come whole.
struct Api {
    lost: usize,
    code: Code,
    uploads: Arc<AtomicUsize>,
}

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the test asks for no such thing"))
}

#[tonic::async_trait]
impl Tasks for Api {
    async fn publish(
        &self,
        request: Request<Streaming<v1::PublishRequest>>,
    ) -> Result<Response<v1::PublishResponse>, Status> {
        let parts = request.into_inner().collect::<Vec<_>>().await;
        assert_eq!(parts.len(), 2, "a header and a component");
        if self.uploads.fetch_add(1, Ordering::Relaxed) < self.lost {
            return Err(Error::new(self.code, "the store is unavailable: it is restarted").into());
        }
        let version = v1::TaskVersion { task: "t".to_owned(), version: 7, ..v1::TaskVersion::default() };
        let published = v1::PublishedTask { version: Some(version), ..v1::PublishedTask::default() };
        Ok(Response::new(v1::PublishResponse { tasks: vec![published] }))
    }

    async fn list_tasks(
        &self,
        _: Request<v1::ListTasksRequest>,
    ) -> Result<Response<v1::ListTasksResponse>, Status> {
        not_asked()
    }

    async fn get_task(&self, _: Request<v1::GetTaskRequest>) -> Result<Response<v1::TaskVersion>, Status> {
        not_asked()
    }

    async fn list_versions(
        &self,
        _: Request<v1::ListVersionsRequest>,
    ) -> Result<Response<v1::ListVersionsResponse>, Status> {
        not_asked()
    }
}

/// A server that loses the first `lost` uploads; it ends with the runtime.
fn start(lost: usize, code: Code) -> (SocketAddr, Arc<AtomicUsize>, Runtime) {
    let runtime = Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let uploads = Arc::new(AtomicUsize::new(0));
    let service = TasksServer::new(Api { lost, code, uploads: Arc::clone(&uploads) });
    runtime.spawn(Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener)));
    (address, uploads, runtime)
}

#[test]
fn an_upload_is_made_again_until_the_database_is_back_and_a_refusal_is_not() {
    for (code, uploads_wanted, exit) in [(Code::Unavailable, 3, 0), (Code::Denied, 1, 6)] {
        let (address, uploads, _runtime) = start(2, code);
        let runner = Runner::new();
        std::fs::write(runner.folder().join("x.wasm"), b"\0asm\x0d\0\x01\0").expect("written");

        let answer = runner.run(&["task", "publish", "x.wasm", "--server", &format!("http://{address}")]);

        assert_eq!((answer.code, uploads.load(Ordering::Relaxed)), (exit, uploads_wanted), "{answer:?}");
    }
}

//! Short words for what the facts do first.

use std::time::{Duration, Instant};

use broker::{Broker, Queues, Reference, Take};
use broker_redis::RedisBroker;
use chrono::DateTime;
use model::id::JobId;
use model::job::Priority;
use model::name::QueueKey;
use redis::{FromRedisValue, Pipeline};
use testkit::eventually::eventually;
use testkit::redis::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use uuid::Uuid;

/// How soon a call that cannot succeed must say so: after three seconds, and one more for a machine that is busy
/// with other tests. Still sooner than a pop that nobody ended would end by itself.
pub(crate) const SOON: Duration = Duration::from_secs(4);

pub(crate) async fn connect(server: &Server) -> RedisBroker {
    RedisBroker::connect(&server.url()).await.expect("connect")
}

/// Asks Redis behind the broker's back.
pub(crate) async fn ask<T: FromRedisValue>(server: &Server, pipeline: &Pipeline) -> T {
    let client = redis::Client::open(server.url()).expect("a client");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    pipeline.query_async(&mut connection).await.expect("an answer")
}

pub(crate) fn job(n: u128) -> JobId {
    JobId(Uuid::from_u128(n))
}

pub(crate) fn jobs(numbers: impl IntoIterator<Item = u128>) -> Vec<JobId> {
    numbers.into_iter().map(job).collect()
}

pub(crate) fn references(numbers: impl IntoIterator<Item = u128>) -> Vec<Reference> {
    let reference = |job| Reference {
        job,
        queue: queue("default/q"),
        priority: Priority::default(),
        run_at: DateTime::from_timestamp(1_700_000_000, 0).expect("an instant"),
    };
    numbers.into_iter().map(job).map(reference).collect()
}

pub(crate) fn queue(text: &str) -> QueueKey {
    let (namespace, name) = text.split_once('/').expect("a namespace and a queue");
    QueueKey { namespace: namespace.parse().expect("a namespace"), queue: name.parse().expect("a queue") }
}

/// A take from the queue that `references` are in.
pub(crate) fn take(max: usize, wait: Duration) -> Take {
    Take { queues: Queues::Only(vec![queue("default/q")]), max, wait }
}

/// Takes until there is nothing more.
pub(crate) async fn drain(broker: &RedisBroker) -> Vec<JobId> {
    let mut all = Vec::new();
    loop {
        let taken = broker.take(take(100, Duration::ZERO)).await.expect("take");
        if taken.is_empty() {
            all.sort_unstable();
            return all;
        }
        all.extend(taken);
    }
}

/// Runs what must fail, and fail soon; tells the words of its error.
pub(crate) async fn refused<T>(call: impl Future<Output = broker::Result<T>>) -> String {
    let start = Instant::now();
    let Err(refusal) = call.await else { panic!("it succeeded") };
    assert!(start.elapsed() < SOON, "it took {:?} to say: {refusal}", start.elapsed());
    refusal.to_string()
}

/// Waits until as many connections as `wanted` have a pop that waits.
pub(crate) async fn popping(server: &Server, wanted: usize) {
    eventually("the pops to wait", async || {
        let (clients,): (String,) = ask(server, redis::pipe().cmd("CLIENT").arg("LIST")).await;
        let blocked = clients.lines().filter(|line| line.contains("cmd=bzmpop") && line.contains("flags=b"));
        (blocked.count() == wanted).then_some(())
    })
    .await;
}

/// A way to a server that can forget the connections it carries, as a router does: both ends keep them, and nothing
/// arrives any more.
pub(crate) struct Router {
    port: u16,
    forgotten: watch::Sender<u64>,
}

impl Router {
    pub(crate) async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (forgotten, forgets) = watch::channel(0);
        let target = server.port();
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let mut forgets = forgets.clone();
                forgets.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut there) = TcpStream::connect(("127.0.0.1", target)).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                        forgot = forgets.changed() => {
                            if forgot.is_ok() {
                                std::future::pending::<()>().await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, forgotten }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Forgets the connections of now; later ones are carried.
    pub(crate) fn forget(&self) {
        self.forgotten.send_modify(|count| *count += 1);
    }
}

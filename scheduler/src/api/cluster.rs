//! The service `Cluster`: the system as a whole.

use rpc::v1::cluster_server::Cluster;
use rpc::{Error, timestamp, v1};
use store::SILENT_MS;
use tonic::{Request, Response, Status};

use super::Api;
use crate::answer::ask;

#[tonic::async_trait]
impl Cluster for Api {
    async fn status(&self, _: Request<v1::StatusRequest>) -> Result<Response<v1::StatusResponse>, Status> {
        Ok(Response::new(status(self).await?))
    }
}

async fn status(api: &Api) -> Result<v1::StatusResponse, Error> {
    let leader = ask(api.store.leader()).await?;
    let schedulers = ask(api.store.schedulers(SILENT_MS)).await?;
    let hosts = ask(api.store.hosts()).await?;
    let queues = ask(api.store.depths()).await?;
    let is_leading = |id: &str| leader.as_ref().is_some_and(|leader| leader.holder == id);
    Ok(v1::StatusResponse {
        schedulers: schedulers
            .into_iter()
            .map(|(id, address)| v1::Scheduler { leading: is_leading(&id), id, address })
            .collect(),
        leader: leader.map(|leader| v1::Leader {
            id: leader.holder,
            address: leader.address,
            term: leader.term.0,
            since: Some(timestamp(leader.since)),
        }),
        hosts: hosts.into_iter().map(host).collect(),
        queues: queues.into_iter().map(queue).collect(),
        version: api.version.clone(),
        ready_queue_error: api.desk.failure().unwrap_or_default(),
    })
}

fn host(host: store::HostSession) -> v1::Host {
    let state = if host.draining { "draining" } else { "ready" };
    v1::Host {
        session: host.id.0,
        id: host.name,
        address: host.address,
        state: state.to_owned(),
        slots: host.slots,
        running: host.running,
        version: host.version,
    }
}

fn queue(depth: store::QueueDepth) -> v1::Queue {
    v1::Queue {
        namespace: depth.queue.namespace.into(),
        name: depth.queue.queue.into(),
        queued: depth.queued,
        running: depth.running,
        scheduled: depth.scheduled,
        paused: depth.paused,
        oldest_queued_seconds: depth.oldest_queued_seconds,
    }
}

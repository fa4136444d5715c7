//! Gives the lead to another replica that reaches the broker, when this one has not reached it for a while.
//!
//! A broker that is away from everybody moves nobody: the others are asked first.

use std::time::Duration;

use futures::future::join_all;
use rpc::v1::ReachRequest;
use rpc::{Client, ClientConfig};
use store::SILENT_MS;
use tokio::time::{sleep, timeout};

use super::Tools;
use crate::answer::within;
use crate::desk::BROKER_DEADLINE;

/// How long the broker must fail before the others are asked: longer than a Redis takes to restart.
const PATIENCE: Duration = Duration::from_secs(3);

/// Between two looks, and between two questions to the others.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the store may take to say who there is.
const STORE_DEADLINE: Duration = Duration::from_secs(1);

/// How long another replica may take: as long as it waits for the broker, and the way.
const PEER_DEADLINE: Duration = BROKER_DEADLINE.saturating_add(Duration::from_secs(1));

/// Returns, with the reason, once another replica reaches the broker and this one, `holder`, has not for a while.
pub(super) async fn due(tools: &Tools, holder: &str) -> &'static str {
    loop {
        sleep(LOOK_EVERY).await;
        if is_cut_off(tools) && others_reach(tools, holder).await && is_cut_off(tools) {
            return "another replica reaches the ready queue, and this one does not";
        }
    }
}

fn is_cut_off(tools: &Tools) -> bool {
    tools.desk.fails_for().is_some_and(|time| time >= PATIENCE)
}

/// Whether any other replica reaches the broker now.
async fn others_reach(tools: &Tools, holder: &str) -> bool {
    let Ok(replicas) = within(STORE_DEADLINE, tools.store.schedulers(SILENT_MS)).await else { return false };
    let others = replicas.into_iter().filter(|(id, _)| id != holder);
    let answers = others.map(|(_, address)| timeout(PEER_DEADLINE, reaches(address, tools.token.clone())));
    join_all(answers).await.into_iter().any(|answer| matches!(answer, Ok(true)))
}

async fn reaches(server: String, token: Option<String>) -> bool {
    let config = ClientConfig { server, token, connect_timeout: PEER_DEADLINE };
    let Ok(mut client) = Client::lazy(&config) else { return false };
    client.admission.reach(ReachRequest {}).await.is_ok_and(|answer| answer.into_inner().reached)
}

//! Wake-ups: how they are written, and the loop that hears them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Signal;
use futures::StreamExt as _;
use model::id::JobId;
use redis::Value;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::broadcast;
use tokio::time::MissedTickBehavior;

use crate::MEMBERS_MAX;
use crate::junk::Junk;
use crate::keys::{member, read_member};
use crate::server::Server;

/// How often a silent connection is checked: one that a network swallowed gives no sign by itself.
const PING: Duration = Duration::from_secs(5);

/// How long the answer may take.
const PONG_MAX: Duration = Duration::from_secs(2);

/// Between two tries to listen again: from the first to the last and ever after.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

const ENDED: u8 = b'e';
const CHANGED: u8 = b'c';

/// The messages that carry `signal`: none when it says nothing, some when it is long.
pub(crate) fn encode(signal: &Signal) -> Vec<Vec<u8>> {
    match signal {
        Signal::Changed => vec![vec![CHANGED]],
        Signal::Ended(jobs) => jobs.chunks(MEMBERS_MAX).map(encode_ended).collect(),
    }
}

fn encode_ended(jobs: &[JobId]) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + 16 * jobs.len());
    message.push(ENDED);
    for job in jobs {
        message.extend_from_slice(&member(*job));
    }
    message
}

fn decode(message: &[u8]) -> Option<Signal> {
    match message.split_first()? {
        (&CHANGED, []) => Some(Signal::Changed),
        (&ENDED, ids) => ids.chunks(16).map(read_member).collect::<Option<Vec<JobId>>>().map(Signal::Ended),
        _ => None,
    }
}

/// Passes on what comes, for as long as the broker lives.
pub(crate) async fn run(
    server: Arc<Server>,
    channel: String,
    first: (PubSubSink, PubSubStream),
    signals: broadcast::Sender<Signal>,
    junk: Arc<Junk>,
) {
    let mut subscription = first;
    loop {
        let began = Instant::now();
        pass_on(subscription, &signals, &junk).await;
        tracing::warn!("lost the connection to Redis that wake-ups come by; trying again");
        if began.elapsed() < RETRY.1 {
            // Whoever takes connections only to drop them is not asked without a pause.
            tokio::time::sleep(RETRY.1).await;
        }
        subscription = listen_again(&server, &channel).await;
        tracing::info!("wake-ups come again");
    }
}

/// Passes on what comes until the connection is lost.
async fn pass_on(
    (mut sink, mut stream): (PubSubSink, PubSubStream),
    signals: &broadcast::Sender<Signal>,
    junk: &Junk,
) {
    let mut pings = tokio::time::interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = stream.next() => match message {
                None => return,
                Some(message) => match decode(message.get_payload_bytes()) {
                    // An error says that nobody listens.
                    Some(signal) => drop(signals.send(signal)),
                    None => junk.dropped(1, "wake-up"),
                },
            },
            _ = pings.tick() => {
                let pong = tokio::time::timeout(PONG_MAX, sink.ping::<Value>()).await;
                if !pong.is_ok_and(|pong| pong.is_ok()) {
                    return;
                }
            }
        }
    }
}

async fn listen_again(server: &Server, channel: &str) -> (PubSubSink, PubSubStream) {
    let (mut wait, wait_max) = RETRY;
    loop {
        match server.subscribe(channel).await {
            Ok(subscription) => return subscription,
            Err(_) => {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(wait_max);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn read_back(signal: &Signal) -> Vec<Signal> {
        encode(signal).iter().map(|message| decode(message).expect("it is ours")).collect()
    }

    #[test]
    fn a_signal_is_read_back() {
        let jobs: Vec<JobId> = (0..1500).map(|n| JobId(Uuid::from_u128(n))).collect();

        assert_eq!(read_back(&Signal::Changed), [Signal::Changed]);
        assert_eq!(read_back(&Signal::Ended(jobs[..2].to_vec())), [Signal::Ended(jobs[..2].to_vec())]);
        assert_eq!(
            read_back(&Signal::Ended(jobs.clone())),
            [Signal::Ended(jobs[..1000].to_vec()), Signal::Ended(jobs[1000..].to_vec())]
        );
        assert_eq!(read_back(&Signal::Ended(Vec::new())), []);
    }

    #[test]
    fn junk_is_not_read_as_a_signal() {
        for junk in [&b""[..], b"x", b"cc", b"e1234", b"e0123456789abcdef0", b"\xff"] {
            assert_eq!(decode(junk), None, "{junk:?}");
        }
    }
}

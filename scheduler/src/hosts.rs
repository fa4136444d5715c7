//! Interrupts on their way to the hosts. A host that is not reached learns by its next heartbeat.
//!
//! A connection to a host is kept once an interrupt went over it: the next one is a single round trip. One that does
//! not answer at once is given up for a fresh one, since nothing pings it while it is quiet.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::join_all;
use model::id::{Lease, SessionId};
use rpc::{Code, Error, HostClient, HostDialer, v1};
use store::Store;
use tokio::time::timeout;

use crate::answer::within;

/// How long the store may take to say where hosts are.
const LOOK_DEADLINE: Duration = Duration::from_secs(1);

/// How long a kept connection may take: one that works takes a millisecond, and a fresh one is tried after it.
const KEPT_DEADLINE: Duration = Duration::from_millis(500);

/// How long a host may take to be reached, and again to answer. With the two above it is 4.5 s: whoever cancels
/// is told within 5 s that a host was not reached.
const HOST_DEADLINE: Duration = Duration::from_millis(1_500);

/// The way to the hosts.
pub(crate) struct Hosts {
    store: Arc<dyn Store>,
    dialer: HostDialer,
    /// By address; no more of them than hosts that are up.
    kept: Mutex<HashMap<String, HostClient>>,
}

impl Hosts {
    pub(crate) fn new(store: Arc<dyn Store>, token: Option<String>) -> Self {
        let dialer = HostDialer { token, timeout: HOST_DEADLINE };
        Self { store, dialer, kept: Mutex::default() }
    }

    /// Tells the hosts that hold the leases, all at once and each over one connection; how many of the attempts are
    /// stopping, or have ended, by what their hosts answered. The caller bounds how many leases there are.
    pub(crate) async fn interrupt(&self, leases: Vec<Lease>, grace_ms: u64) -> usize {
        if leases.is_empty() {
            return 0;
        }
        let addresses: HashMap<SessionId, String> = match within(LOOK_DEADLINE, self.store.hosts()).await {
            Ok(hosts) => hosts.into_iter().map(|host| (host.id, host.address)).collect(),
            Err(error) => {
                tracing::warn!(%error, "hosts were not told of a cancel: it is not known where they are");
                return 0;
            }
        };
        self.locked().retain(|address, _| addresses.values().any(|known| known == address));
        let mut by_session: HashMap<SessionId, Vec<Lease>> = HashMap::new();
        for lease in leases {
            by_session.entry(lease.session).or_default().push(lease);
        }
        let told = by_session.into_iter().map(|(session, leases)| {
            let address = addresses.get(&session);
            async move {
                match address {
                    Some(address) => self.tell(session, address, &leases, grace_ms).await,
                    // The session was closed meanwhile: its attempts are taken back.
                    None => 0,
                }
            }
        });
        join_all(told).await.into_iter().sum()
    }

    async fn tell(&self, session: SessionId, address: &str, leases: &[Lease], grace_ms: u64) -> usize {
        let mut told = Told { reached: 0, left: leases.to_vec(), why: None };
        let kept = self.locked().get(address).cloned();
        if let Some(client) = kept {
            told = told.over(&client, grace_ms, KEPT_DEADLINE).await;
            if !told.left.is_empty() {
                self.locked().remove(address);
            }
        }
        if !told.left.is_empty() {
            match self.dialer.dial(address).await {
                Ok(client) => {
                    told = told.over(&client, grace_ms, HOST_DEADLINE).await;
                    if told.left.is_empty() {
                        self.locked().insert(address.to_owned(), client);
                    }
                }
                Err(error) => told.why = Some(error),
            }
        }
        if let Some(error) = told.why {
            let untold = told.left.len();
            tracing::warn!(session = session.0, address, untold, %error, "a host was not told of cancels");
        }
        told.reached
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, HostClient>> {
        self.kept.lock().expect("nobody panics while holding it")
    }
}

/// How far the interrupts of one host have come.
struct Told {
    reached: usize,
    left: Vec<Lease>,
    /// Why there are some left.
    why: Option<Error>,
}

impl Told {
    /// Sends what is left at once. To say it twice is harmless.
    async fn over(self, client: &HostClient, grace_ms: u64, limit: Duration) -> Self {
        let calls = self.left.into_iter().map(|lease| {
            let call = interrupt(client.clone(), lease, grace_ms);
            async move { (lease, answered(limit, call).await) }
        });
        let mut told = Self { reached: self.reached, left: Vec::new(), why: None };
        for (lease, answer) in join_all(calls).await {
            match answer {
                Ok(status) if status == "stopping" || status == "ended" => told.reached += 1,
                // Another session answers at this address.
                Ok(_) => {}
                Err(error) => {
                    told.left.push(lease);
                    told.why = Some(error);
                }
            }
        }
        told
    }
}

async fn answered<T>(limit: Duration, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let silent = |_| Error::new(Code::Timeout, format!("it did not answer within {limit:?}"));
    timeout(limit, call).await.map_err(silent)?
}

async fn interrupt(mut client: HostClient, lease: Lease, grace_ms: u64) -> Result<String, Error> {
    let request = v1::InterruptRequest {
        job: lease.job.0.as_bytes().to_vec(),
        attempt: lease.attempt,
        session: lease.session.0,
        grace_ms,
    };
    Ok(client.interrupt(request).await?.into_inner().status)
}

//! Names to addresses: resolved once, every address checked, and what was checked is what is dialled.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::addresses::{Place, place};
use super::networks::{Network, open};

/// Looks names up.
#[async_trait]
pub(crate) trait Names: Send + Sync + 'static {
    /// All addresses of a name.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Look-ups under way at once. Each holds a thread of those that also read files for everybody (there are 512), until
/// the system gives up on a name server that is silent; dropping the request does not end it earlier.
const LOOKUPS_MAX: usize = 64;

/// The resolver of the system.
pub(crate) struct SystemNames(Arc<Semaphore>);

impl SystemNames {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LOOKUPS_MAX)))
    }
}

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.0).acquire_owned().await.expect("nobody closes the semaphore");
        let name = name.to_owned();
        let looking = tokio::task::spawn_blocking(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            drop(permit);
            found
        });
        Ok(looking.await??.map(|address| address.ip()).collect())
    }
}

/// A place that the request may not go to. An address that a name leads to is not told: what names lead to inside of a
/// network is nobody's business who was only granted the name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Forbidden {
    /// The URL has an address.
    #[error("{host} is {}: {}", place.as_str(), hint(*place, "publish with a grant that names the address itself, or "))]
    Address {
        /// The address as the URL has it.
        host: String,
        /// What kind of place that is.
        place: Place,
    },
    /// The URL has a name.
    #[error("{host} leads to {}: {}", place.as_str(), hint(*place, ""))]
    Name {
        /// The name.
        host: String,
        /// What kind of place it leads to.
        place: Place,
    },
}

/// What to do about it: `first`, or to ask the operator.
fn hint(place: Place, first: &str) -> String {
    match place {
        Place::LinkLocal => "no grant for a name covers that".to_owned(),
        _ => format!("{first}the operator of the host may allow its network with --allow-network"),
    }
}

/// The one name that means this machine by itself. Any other that leads here was meant to lead elsewhere: whoever keeps
/// its records would reach what listens here for this machine alone.
const LOCALHOST: &str = "localhost";

/// The resolver of a client: checks before it answers. What it lets through does not depend on who asks, so guests may
/// share connections; that a grant covers the name was checked before.
pub(crate) struct Checked {
    /// Who looks up.
    pub(crate) names: Arc<dyn Names>,
    /// Where names may lead beside the internet.
    pub(crate) networks: Arc<[Network]>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, networks) = (Arc::clone(&self.names), Arc::clone(&self.networks));
        Box::pin(async move {
            let host = name.as_str();
            let addresses = names.addresses(host).await?;
            for address in &addresses {
                let place = place(*address);
                let meant = place == Place::Loopback && host == LOCALHOST;
                if !meant && !open(&networks, *address) {
                    tracing::debug!(host, %address, "a request was refused for where its name leads");
                    return Err(Forbidden::Name { host: host.to_owned(), place }.into());
                }
            }
            // Port 0 becomes the URL's.
            let found: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(found)
        })
    }
}

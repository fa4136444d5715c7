//! Names to addresses: resolved once, every address checked, and what was checked is what is dialled.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::addresses::{Place, place};

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

/// An address that the grant does not cover.
#[derive(Debug, thiserror::Error)]
#[error("{host} is at {address}, which is {}: {}", place.as_str(), self.hint())]
pub(crate) struct Forbidden {
    /// The host as the URL has it.
    pub(crate) host: String,
    /// Where it leads.
    pub(crate) address: IpAddr,
    /// What kind of place that is.
    pub(crate) place: Place,
    /// Whether the grant named the host itself.
    pub(crate) named: bool,
}

impl Forbidden {
    fn hint(&self) -> &'static str {
        match (self.place, self.named) {
            (Place::Loopback, true) => "no name but localhost may lead there; grant the address itself",
            (Place::Loopback | Place::Private, _) => {
                "publish with a grant that names the host itself, not a wildcard"
            }
            _ => "no grant for a name covers that",
        }
    }
}

/// Whether a name means this machine by itself (RFC 6761). Any other name that leads here was meant to lead elsewhere:
/// whoever keeps its records would reach what listens here for this machine alone.
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// The resolver of a client: checks before it answers.
pub(crate) struct Checked {
    /// Who looks up.
    pub(crate) names: Arc<dyn Names>,
    /// Whether private addresses are meant.
    pub(crate) private_granted: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, private_granted) = (Arc::clone(&self.names), self.private_granted);
        Box::pin(async move {
            let host = name.as_str();
            let addresses = names.addresses(host).await?;
            for address in &addresses {
                let place = place(*address);
                let meant = place != Place::Loopback || is_localhost(host);
                if !place.allowed(private_granted && meant) {
                    let host = host.to_owned();
                    return Err(Forbidden { host, address: *address, place, named: private_granted }.into());
                }
            }
            // Port 0 becomes the URL's.
            let found: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(found)
        })
    }
}

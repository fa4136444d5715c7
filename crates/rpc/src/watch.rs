//! Watching a host: whether its process is there, told from whether it answers.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tonic::Streaming;
use tonic::transport::Uri;

use crate::client::endpoint;
use crate::v1::{WatchRequest, WatchResponse};
use crate::{Error, HostClient, HostDialer};

/// Between two pings of a watch that is quiet, and how long the answer may take: a connection that a firewall forgot is
/// given up for a fresh one within a usual lease.
const PING_EVERY: Duration = Duration::from_secs(2);
const PING_PATIENCE: Duration = Duration::from_secs(2);

/// What a host says of itself, for as long as its process lives.
#[derive(Debug)]
pub struct HostWatch {
    said: Streaming<WatchResponse>,
    /// The connection lasts as long as this.
    _client: HostClient,
}

impl HostWatch {
    /// The next word; none when the host ended the stream in order.
    ///
    /// # Errors
    /// When the connection broke, or was silent for too long.
    pub async fn next(&mut self) -> Result<Option<WatchResponse>, Error> {
        Ok(self.said.message().await?)
    }
}

impl HostDialer {
    /// Begins to watch the host at `address`.
    ///
    /// # Errors
    /// As [`HostDialer::dial`], and what the host answers.
    pub async fn watch(&self, address: &str) -> Result<HostWatch, Error> {
        let endpoint =
            endpoint(address)?.http2_keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_PATIENCE);
        let mut client = self.connect(address, endpoint).await?;
        let said = client.watch(WatchRequest {}).await?.into_inner();
        Ok(HostWatch { said, _client: client })
    }

    /// Whether nobody listens at `address`: the machine is there and says so, for every address that the name has.
    /// Silence, a name that leads nowhere and a machine that is not there are no refusal.
    pub async fn refuses(&self, address: &str) -> bool {
        let Ok(uri) = address.parse::<Uri>() else { return false };
        let Some(host) = uri.host() else { return false };
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        timeout(self.timeout, all_refuse(host.trim_matches(['[', ']']), port)).await.unwrap_or(false)
    }
}

async fn all_refuse(host: &str, port: u16) -> bool {
    let Ok(places) = lookup_host((host, port)).await else { return false };
    let mut refused = false;
    for place in places {
        match TcpStream::connect(place).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => refused = true,
            _ => return false,
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn only_a_port_that_nobody_listens_on_refuses() {
        let dialer = HostDialer { token: None, timeout: Duration::from_secs(20) };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));

        assert!(!dialer.refuses(&address).await, "somebody listens");
        drop(listener);
        assert!(dialer.refuses(&address).await);
        for nowhere in ["", "no url", "http://", "http://nobody.invalid:1"] {
            assert!(!dialer.refuses(nowhere).await, "{nowhere:?}");
        }
    }
}

//! The Redis that we were told of: how connections to it are made, and what its answers mean.

use std::io;
use std::time::Duration;

use broker::{Error, Result};
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError, RedisResult, ServerErrorKind,
};

/// How long making a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// The release that brought `BZMPOP` and `SET … NX GET`.
const MAJOR_MIN: u32 = 7;

pub(crate) struct Server {
    client: Client,
    address: String,
}

impl Server {
    pub(crate) fn new(info: ConnectionInfo) -> Result<Self> {
        let address = info.addr().to_string();
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            // An error says that the program has chosen one already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client =
            Client::open(info).map_err(|e| Error { why: format!("redis at {address}: {}", words(&e)) })?;
        Ok(Self { client, address })
    }

    /// A connection that waits for answers as long as they take: who asks has the time-out.
    pub(crate) async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_MAX)).set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// A connection that listens to `channel`.
    pub(crate) async fn subscribe(&self, channel: &str) -> RedisResult<(PubSubSink, PubSubStream)> {
        let subscribe = async {
            let mut subscription = self.client.get_async_pubsub().await?;
            subscription.subscribe(channel).await?;
            Ok(subscription.split())
        };
        tokio::time::timeout(CONNECT_MAX, subscribe).await.unwrap_or_else(|_| Err(timed_out(CONNECT_MAX)))
    }

    /// Refuses a server that cannot do what we need, by what it tells about itself.
    pub(crate) fn check(&self, about: &str) -> Result<()> {
        let version = field(about, "redis_version").unwrap_or("of an unknown version");
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < MAJOR_MIN) {
            let address = &self.address;
            return Err(Error {
                why: format!(
                    "redis at {address} is {version}; Redis {MAJOR_MIN}.0 or later, or Valkey, is needed"
                ),
            });
        }
        if field(about, "redis_mode") == Some("cluster") {
            let address = &self.address;
            return Err(Error {
                why: format!(
                    "redis at {address} is a cluster; one server (with replicas, if you like) is needed"
                ),
            });
        }
        Ok(())
    }

    pub(crate) fn error(&self, error: &RedisError) -> Error {
        Error { why: format!("redis at {}: {}", self.address, words(error)) }
    }
}

/// What went wrong, in the server's words where they are its own.
fn words(error: &RedisError) -> String {
    match error.clone().into_server_errors() {
        Some(errors) => match errors.first() {
            Some((_, error)) => format!("{} {}", error.code(), error.details().unwrap_or_default()),
            None => error.to_string(),
        },
        None => error.to_string(),
    }
}

/// Whether a key of ours holds something that is not of its kind.
pub(crate) fn is_wrong_type(error: &RedisError) -> bool {
    let errors = error.clone().into_server_errors();
    errors.is_some_and(|errors| errors.iter().any(|(_, error)| error.code() == "WRONGTYPE"))
}

/// Whether the connection must be replaced: it broke, it is out of step, nothing was answered in time, or
/// the server behind it became a replica.
pub(crate) fn is_broken(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == redis::ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// The number of this run of the server, from what it tells about itself.
pub(crate) fn run(about: &str) -> u64 {
    let id = field(about, "run_id").unwrap_or_default();
    id.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

fn field<'a>(about: &'a str, name: &str) -> Option<&'a str> {
    about
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim())
}

/// No answer came within `limit`.
pub(crate) fn timed_out(limit: Duration) -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn server() -> Server {
        Server::new(Config::parse("redis://example.org").expect("a URL").info).expect("a server")
    }

    #[test]
    fn old_servers_and_clusters_are_refused_with_the_reason() {
        let cases = [
            ("redis_version:6.2.14\r\nredis_mode:standalone\r\n", "6.2.14"),
            ("nothing:of\r\nuse\r\n", "unknown version"),
            ("redis_version:7.2.4\r\nredis_mode:cluster\r\n", "is a cluster"),
        ];

        for (about, expected) in cases {
            let refusal = server().check(about).expect_err(about).to_string();
            assert!(refusal.contains(expected) && refusal.contains("example.org:6379"), "{refusal}");
        }
    }

    #[test]
    fn new_servers_are_taken() {
        for about in [
            "redis_version:7.0.0\r\n",
            "redis_version:8.2.1\r\nvalkey_version:9.0\r\nredis_mode:standalone\r\n",
        ] {
            server().check(about).expect(about);
        }
    }

    #[test]
    fn runs_are_told_apart() {
        let about = |id: &str| format!("# Server\r\nrun_id:{id}\r\n");

        let runs = [run(&about(&"a".repeat(40))), run(&about(&"b".repeat(40))), run(""), run("run_id:é\r\n")];

        assert_eq!(runs, [0xaaaa_aaaa_aaaa_aaaa, 0xbbbb_bbbb_bbbb_bbbb, 0, 0]);
    }
}

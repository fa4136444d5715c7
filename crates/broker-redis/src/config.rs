//! Where Redis is, and what our keys begin with.

use model::error::Invalid;
use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

/// How to reach a Redis, and what belongs to us in it.
#[derive(Clone)]
pub struct Config {
    /// What every key and channel of ours begins with.
    pub prefix: String,
    pub(crate) info: ConnectionInfo,
}

impl Config {
    /// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, or `rediss://…` for TLS. The prefix is `jobctl:`.
    ///
    /// # Errors
    /// When the URL is malformed; what it says is not repeated, for it may hold a password.
    pub fn parse(url: &str) -> Result<Self, Invalid> {
        if !(url.starts_with("redis://") || url.starts_with("rediss://")) {
            return Err(Invalid::new("redis-url", "the URL must begin with `redis://` or `rediss://`"));
        }
        let info = url.into_connection_info().map_err(|e| {
            let why = e.to_string();
            Invalid::new(
                "redis-url",
                format!("the URL must be redis://[USER:PASSWORD@]HOST[:PORT][/DB] ({why})"),
            )
        })?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        let info =
            info.set_redis_settings(settings).set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Ok(Self { prefix: "jobctl:".to_owned(), info })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_url_is_refused_without_repeating_it() {
        let malformed = [
            "secret",
            "http://secret@h",
            "redis://u:secret@",
            "redis://u:secret@h:notaport",
            "redis://u:secret@h/notanumber",
            "redis://u:secret@[::1",
            "rediss://u:secret@h/#secret",
        ];

        for url in malformed {
            let refusal = Config::parse(url).err().unwrap_or_else(|| panic!("{url} was taken")).to_string();
            assert!(refusal.contains("redis-url") && refusal.contains("redis://"), "{refusal}");
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn a_url_tells_host_port_database_and_user() {
        let config = Config::parse("rediss://me:p%40ss@example.org:7000/3").expect("a good URL");

        assert_eq!(config.info.addr().to_string(), "example.org:7000");
        let settings = config.info.redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("me"), Some("p@ss"), 3));
    }
}

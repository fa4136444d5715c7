//! How a scheduler replica is set up.

use std::net::SocketAddr;
use std::time::Duration;

use model::limits::Limits;

/// How a scheduler replica is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The release it runs, as it is shown.
    pub version: String,
    /// Where API and dashboard listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The URL under which other replicas reach this one; none: `http://` and the address it listens at.
    pub advertise: Option<String>,
    /// The bearer token that callers must show, and that it shows to hosts and replicas; none: everybody may.
    pub token: Option<String>,
    /// How long a term lasts unless renewed. It is renewed each quarter of this.
    pub term: Duration,
    /// For how long a transaction may be open in the database before whoever leads warns of it.
    pub long_transaction: Duration,
    /// The most that a version may ask for: [`model::limits::PLATFORM_MAX`] or less.
    pub limits_max: Limits,
}

impl Config {
    /// A term that a killed leader leaves empty for less than 2 seconds.
    pub const TERM: Duration = Duration::from_millis(1_500);

    /// At a few hundred jobs a second, what a transaction of a minute keeps alive begins to be felt.
    pub const LONG_TRANSACTION: Duration = Duration::from_secs(60);
}

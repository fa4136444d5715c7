//! How a host is set up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use broker::Queues;
use model::limits::Limits;

use crate::Network;

/// How a host is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name, the same over restarts.
    pub name: String,
    /// The release it runs, as it is shown.
    pub version: String,
    /// Where its control service listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The URL under which schedulers reach the control service; none: `http://` and the address it listens at.
    pub advertise: Option<String>,
    /// The bearer token that schedulers must show; none: everybody may.
    pub token: Option<String>,
    /// How many attempts run at once.
    pub slots: usize,
    /// From which queues it takes jobs.
    pub queues: Queues,
    /// How long it may be silent before its jobs are given to others.
    pub lease: Duration,
    /// The most that any attempt may use here, also one of a version that was published with more;
    /// [`model::limits::PLATFORM_MAX`] when the operator does not say.
    pub limits_max: Limits,
    /// Networks that a name in a guest's request may lead to, beside the internet; link-local addresses and the
    /// metadata services of clouds stay closed in them.
    pub allow_networks: Vec<Network>,
    /// Where e-mail goes.
    pub mail: MailConfig,
    /// Values of the secrets that tasks may name; they never reach a guest.
    pub secrets: BTreeMap<String, String>,
}

/// Where e-mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailConfig {
    /// Nowhere: sending answers that the host has no relay.
    Off,
    /// Each message becomes an `.eml` file in this folder.
    Outbox {
        /// The folder; made when it is not there.
        folder: PathBuf,
        /// The sender, as in `Jobs <jobs@example.com>`.
        from: String,
    },
    /// To a relay.
    Smtp {
        /// `smtp://[USER:PASSWORD@]HOST[:PORT]`, with `?tls=required` for STARTTLS, or `smtps://…`.
        url: String,
        /// The sender, as in `Jobs <jobs@example.com>`.
        from: String,
    },
}

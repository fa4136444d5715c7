//! Leadership: one row, one upsert, terms that only grow.
//!
//! Election saves work, it never protects truth: every leader write is harmless when done twice.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::Result;

/// A replica that was silent for so many milliseconds is gone: it signs in four times in a term of 1.5 s, and waits for
/// no answer longer than a term.
pub const SILENT_MS: u32 = 3_000;

/// A replica that would lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elect {
    /// Its id, new at every start.
    pub holder: String,
    /// Where its API listens, as a URL.
    pub address: String,
    /// How long a term lasts unless renewed, in milliseconds.
    pub lease_ms: u32,
}

/// One reign of a leader; numbers grow with each change of holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub i64);

/// Who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Its id.
    pub holder: String,
    /// Where its API listens, as a URL.
    pub address: String,
    /// Its term.
    pub term: Term,
    /// Since when it leads.
    pub since: DateTime<Utc>,
}

/// Leadership. A replica signs in at every election it takes part in, so that all can be listed.
#[async_trait]
pub trait Terms: Send + Sync {
    /// Becomes the leader if nobody is or the last one's lease has run out; a holder that asks again keeps
    /// its term and renews it. One that ends later than in twenty leases is nobody's: no renewal wrote it. None:
    /// somebody else leads.
    async fn elect(&self, elect: Elect) -> Result<Option<Term>>;

    /// Renews a term. `Ok(false)`: it is not yours any more.
    async fn renew(&self, elect: Elect, term: Term) -> Result<bool>;

    /// Gives up a term at once, so that the next may begin. Doing it twice is harmless.
    async fn resign(&self, holder: &str, term: Term) -> Result<()>;

    /// Who leads now; none when the last term has run out.
    async fn leader(&self) -> Result<Option<Leader>>;

    /// All replicas that took part in an election within the last `within_ms` milliseconds: id and address.
    async fn schedulers(&self, within_ms: u32) -> Result<Vec<(String, String)>>;
}

//! Errors, sorted by what the caller may do next.

/// Why a verb did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing. Asking again will not help.
    #[error("{what} not found")]
    NotFound {
        /// What was asked for, as the user would say it: `task "nosuch"`.
        what: String,
    },
    /// It clashes with what is there: the same key with other content, a job in the wrong state.
    #[error("{why}")]
    Conflict {
        /// What clashes with what.
        why: String,
    },
    /// It is not yours any more: the lease, the session or the term was lost. Stop.
    #[error("{what} is not held any more")]
    Stale {
        /// What was lost.
        what: String,
    },
    /// The database did not answer, or not in time. Try again later.
    #[error("the store is unavailable: {why}")]
    Unavailable {
        /// What the database or the connection said.
        why: String,
    },
    /// What is stored does not make sense. Somebody must look.
    #[error("stored data is corrupt: {why}")]
    Corrupt {
        /// What does not fit.
        why: String,
    },
}

impl Error {
    /// Whether the same call may succeed when it is made again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

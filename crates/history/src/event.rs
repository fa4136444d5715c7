//! The lines of a history.

use serde::{Deserialize, Serialize};

use crate::truth::Truth;

/// A line: what happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since 1970, by this machine's clock; the database of a chaos run has the same.
    pub at_us: i64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A trial begins; what follows belongs to it.
    Trial {
        /// The name of its stage.
        name: String,
    },
    /// A client asks for a job, by an id that it made.
    Asked {
        /// The id.
        job: String,
        /// Its idempotency key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// A client was told that the job is stored: the promise.
    Told {
        /// The id it asked by.
        asked: String,
        /// The id it was told; another one when its key was taken.
        job: String,
    },
    /// A client was told that the job is not stored and will not be: its own fault, such as a conflict.
    Refused {
        /// The id it asked by.
        job: String,
        /// The code.
        code: String,
    },
    /// A client was told how the job ended, by a wait, a look or the answer to a cancel.
    Ended {
        /// The id.
        job: String,
        /// The final state.
        state: String,
    },
    /// A client was told that the job, which had ended, is to be tried again.
    Retried {
        /// The id.
        job: String,
    },
    /// The sink was called.
    Effect(Effect),
    /// A fault begins.
    Fault(Fault),
    /// A fault is over.
    Over {
        /// Which.
        fault: FaultId,
    },
    /// A process, at the end of a trial.
    Process(Process),
    /// What the store says, at the end of a trial.
    Truth(Truth),
}

/// A call of the sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The job that called.
    pub job: String,
    /// The attempt it was.
    pub attempt: u32,
    /// Which of the attempt's effects, from 1.
    pub effect: u32,
    /// The `Idempotency-Key` it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Names a fault within its trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u32);

/// A fault that was injected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its number.
    pub fault: FaultId,
    /// Its name.
    pub name: String,
    /// Whom it may have hit.
    pub hit: Hit,
}

/// Whose attempts a fault may have made run again: those whose host or lease it hit. Everybody else's must not notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hit {
    /// Nobody's: no host and no lease.
    Nobody,
    /// Those of this host.
    Host(String),
    /// Those of this one job.
    Job(String),
    /// Anybody's, as when the database forgets its last moments.
    Everybody,
}

impl Hit {
    /// The host of this name.
    pub fn host(name: impl Into<String>) -> Self {
        Self::Host(name.into())
    }
}

/// A process at the end of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its role, as in `host-1`.
    pub name: String,
    /// Its id at the beginning; none: it did not run.
    pub pid_before: Option<u32>,
    /// Its id at the end; none: it does not run.
    pub pid_after: Option<u32>,
    /// Whether the trial ended it and started it again.
    pub restarted: bool,
    /// Lines of its log that tell of a panic.
    pub panics: u32,
    /// Resident memory in KiB when it was at rest before; 0: unknown.
    pub resident_before_kib: u64,
    /// The same after.
    pub resident_after_kib: u64,
}

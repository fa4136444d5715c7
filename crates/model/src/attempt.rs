//! Attempts: one try at a job, how it ended, how it was stopped and what it used.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::id::SessionId;
use crate::words::words;

/// One finished or running try at a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its number, from 1, without gaps.
    pub number: u32,
    /// The session that ran it.
    pub session: SessionId,
    /// The name of the host.
    pub host: String,
    /// How it ended; none while it runs.
    pub outcome: Option<Outcome>,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// When its end was recorded.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// How it was stopped, if it was.
    pub stop: Option<Stop>,
    /// What it used.
    pub usage: Option<Usage>,
}

words!(
    /// How an attempt ended.
    Outcome, "outcome", {
        /// With a result.
        Succeeded = "succeeded",
        /// With an error.
        Failed = "failed",
        /// It was stopped because the job was cancelled.
        Cancelled = "cancelled",
        /// Its host lost the lease.
        Lost = "lost",
        /// Its host was drained and gave it back; not counted.
        Released = "released",
    }
);

words!(
    /// Why a running attempt was stopped from outside.
    StopReason, "stop reason", {
        /// The job was cancelled.
        Cancel = "cancel",
        /// Its deadline passed.
        Deadline = "deadline",
        /// Its host was drained.
        Drain = "drain",
        /// The lease was lost.
        LeaseLost = "lease_lost",
    }
);

/// How a stop went: each attempt that was stopped keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why.
    pub reason: StopReason,
    /// From the moment the host heard of it to the end of the guest, in microseconds. A guest that outstays the grace
    /// it was given is ended then, so there it counts from the end of the grace.
    pub latency_us: u64,
}

words!(
    /// Where an attempt got its compiled code.
    CodeOrigin, "code origin", {
        /// From the host's memory.
        Memory = "memory",
        /// From the host's disk.
        Disk = "disk",
        /// From the compiler.
        Compiled = "compiled",
    }
);

/// What an attempt used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Fuel, when it was metered.
    pub fuel: Option<u64>,
    /// The most memory it had at once, in bytes.
    pub peak_memory_bytes: u64,
    /// From the start of instantiation to the end of the call, in microseconds.
    pub wall_us: u64,
    /// Of that, the time inside host calls, in microseconds.
    pub host_call_us: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Bytes that went into the guest: payload, checkpoint, answers to HTTP requests.
    pub bytes_in: u64,
    /// Bytes that came out of it: result, log, files, checkpoints, HTTP requests, e-mails, payloads of child jobs.
    pub bytes_out: u64,
    /// Where its compiled code came from; none when it never got that far.
    pub code: Option<CodeOrigin>,
    /// How long it took to have the code, before the start of instantiation, in microseconds: compile or cache time.
    pub load_us: u64,
}

//! Rows as the queries answer them, where they differ from the records that all drivers share.

use chrono::{DateTime, Utc};
use model::id::{JobId, Lease, SessionId};
use model::job::{FileInfo, JobState};
use model::name::QueueKey;
use store::record::{number, priority, queue, word};
use store::{Offer, Result};
use uuid::Uuid;

pub(crate) struct FileRow {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) size_bytes: i64,
    pub(crate) attempt: i64,
}

impl FileRow {
    pub(crate) fn into_info(self) -> Result<FileInfo> {
        Ok(FileInfo {
            name: self.name,
            media_type: self.media_type,
            size_bytes: number("size_bytes", self.size_bytes)?,
            attempt: number("attempt", self.attempt)?,
        })
    }
}

/// What must be known of a job to offer it.
pub(crate) struct OfferRow {
    pub(crate) job: Uuid,
    pub(crate) namespace: String,
    pub(crate) queue: String,
    pub(crate) priority: i64,
    pub(crate) run_at: DateTime<Utc>,
}

impl OfferRow {
    pub(crate) fn into_offer(self) -> Result<Offer> {
        Ok(Offer {
            job: JobId(self.job),
            queue: queue(&self.namespace, &self.queue)?,
            priority: priority(self.priority)?,
            run_at: self.run_at,
        })
    }
}

/// Where a job stands.
pub(crate) struct StandingRow {
    pub(crate) id: Uuid,
    pub(crate) namespace: String,
    pub(crate) queue: String,
    pub(crate) priority: i64,
    pub(crate) run_at: DateTime<Utc>,
    pub(crate) attempt: Option<i64>,
    pub(crate) session: Option<i64>,
    pub(crate) state: String,
}

/// Where a job stands, in the domain's words.
pub(crate) struct Standing {
    pub(crate) id: JobId,
    pub(crate) queue: QueueKey,
    pub(crate) state: JobState,
    /// The attempt that runs.
    pub(crate) lease: Option<Lease>,
    /// The reference to it, as far as it may run.
    pub(crate) offer: Offer,
}

impl StandingRow {
    pub(crate) fn into_standing(self) -> Result<Standing> {
        let id = JobId(self.id);
        let queue = queue(&self.namespace, &self.queue)?;
        let lease = match (self.attempt, self.session) {
            (Some(attempt), Some(session)) => {
                Some(Lease { job: id, attempt: number("attempt", attempt)?, session: SessionId(session) })
            }
            _ => None,
        };
        let offer =
            Offer { job: id, queue: queue.clone(), priority: priority(self.priority)?, run_at: self.run_at };
        Ok(Standing { id, queue, state: word(&self.state)?, lease, offer })
    }
}

//! Where a job stands, what is offered of it, and its files: the smaller records.

use chrono::{DateTime, Utc};
use model::id::{JobId, Lease, SessionId};
use model::job::{FileInfo, JobState};
use model::name::QueueKey;
use uuid::Uuid;

use super::{number, priority, queue, word};
use crate::{Offer, Result, StateOf};

/// What must be known of a job to offer it, as the columns hold it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of Offer, flat")]
pub struct OfferRecord {
    pub job: Uuid,
    pub namespace: String,
    pub queue: String,
    pub priority: i64,
    pub run_at: DateTime<Utc>,
}

impl OfferRecord {
    /// The offer.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_offer(self) -> Result<Offer> {
        Ok(Offer {
            job: JobId(self.job),
            queue: queue(&self.namespace, &self.queue)?,
            priority: priority(self.priority)?,
            run_at: self.run_at,
        })
    }
}

/// A job's file as it is listed, as the columns hold it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of model::job::FileInfo")]
pub struct FileRecord {
    pub name: String,
    pub media_type: String,
    pub size_bytes: i64,
    pub attempt: i64,
}

impl FileRecord {
    /// The file.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_info(self) -> Result<FileInfo> {
        Ok(FileInfo {
            name: self.name,
            media_type: self.media_type,
            size_bytes: number("size_bytes", self.size_bytes)?,
            attempt: number("attempt", self.attempt)?,
        })
    }
}

/// Where a job stands, as the columns hold it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of Standing, flat")]
pub struct StandingRecord {
    pub id: Uuid,
    pub namespace: String,
    pub queue: String,
    pub priority: i64,
    pub run_at: DateTime<Utc>,
    pub attempt: Option<i64>,
    pub session: Option<i64>,
    pub state: String,
}

/// Where a job stands, in the domain's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The job.
    pub id: JobId,
    /// The queue it belongs to.
    pub queue: QueueKey,
    /// Its state.
    pub state: JobState,
    /// The attempt that runs.
    pub lease: Option<Lease>,
    /// The reference to it, as far as it may run.
    pub offer: Offer,
}

impl StandingRecord {
    /// Where the job stands.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_standing(self) -> Result<Standing> {
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

impl From<Standing> for StateOf {
    fn from(standing: Standing) -> Self {
        Self { id: standing.id, namespace: standing.queue.namespace, state: standing.state }
    }
}

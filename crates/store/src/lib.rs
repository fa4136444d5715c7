//! The promises about durable truth, and the suite that holds every driver to them.
//!
//! Six roles, each a trait with the verbs one kind of caller needs: [`Jobs`] (what people ask),
//! [`Attempts`] (what a host does), [`Plans`] and [`Terms`] (what the leader does), [`Schedules`] (what
//! runs by itself) and [`Components`] (code by digest). One verb is one params struct and one transaction. SQL decides who wins; what it
//! means is decided by pure functions in `model`.
//!
//! Two rules hold for every verb. Leases and due times are judged by the database's clock, never by the
//! caller's. And a write about an attempt carries its [`model::id::Lease`]; when that is not current any
//! more, nothing is written and the answer says so.
//!
//! A host, in short:
//!
//! ```no_run
//! # use model::{attempt::{Outcome, Usage}, id::JobId, json::Json, retry::Next};
//! use store::{Claim, Ended, Finish, Finished, OpenSession, Store};
//!
//! # fn run(payload: &Json) -> Json { payload.clone() }
//! # async fn work(store: &dyn Store, jobs: Vec<JobId>) -> store::Result<()> {
//! let session = store
//!     .open(OpenSession {
//!         name: "host-1".to_owned(),
//!         address: "http://host-1.internal:7710".to_owned(),
//!         version: "0.1.0".to_owned(),
//!         slots: 4,
//!         lease_ms: 5_000,
//!     })
//!     .await?;
//! // Only what is still due and nobody else's comes back.
//! for job in store.claim(Claim { session, jobs }).await? {
//!     let ended = Ended {
//!         lease: job.lease,
//!         outcome: Outcome::Succeeded,
//!         next: Next::End,
//!         result: Some(run(&job.payload)),
//!         failure: None,
//!         stop: None,
//!         usage: Usage::default(),
//!         lines: Vec::new(),
//!         files: Vec::new(),
//!     };
//!     let finished = store.finish(Finish { ended: vec![ended] }).await?;
//!     if finished == [Finished::Stale] {
//!         // The lease was lost meanwhile: the job runs elsewhere, and nothing was written.
//!     }
//! }
//! store.close(session).await
//! # }
//! ```

mod attempts;
pub mod clock;
mod components;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod jobs;
mod plans;
pub mod record;
mod schedules;
mod terms;

pub use attempts::{
    Attempts, Beat, Cancelling, Claim, ClaimedJob, Ended, Extend, Finish, Finished, HostSession, OpenSession,
    Report,
};
pub use components::{Components, Publish, PublishTask, Published, TaskInfo};
pub use error::Error;
pub use jobs::{
    Cancel, Cancelled, Count, JobFilter, JobPage, Jobs, Retried, Retry, StateOf, Submit, Submitted,
};
pub use plans::{Due, LongTransaction, Offer, OpenedSession, Plans, QueueDepth, Rescue, Rescued};
pub use schedules::{
    BrokenSchedule, DueSchedules, FateFilter, Made, NewFire, NewSchedule, ScheduleChange, ScheduleChanged,
    ScheduleFilter, SchedulePage, Schedules,
};
pub use terms::{Elect, Leader, SILENT_MS, Term, Terms};

/// What every verb answers.
pub type Result<T> = std::result::Result<T, Error>;

/// A whole store: all six roles.
pub trait Store: Jobs + Attempts + Plans + Terms + Schedules + Components {}

impl<T: Jobs + Attempts + Plans + Terms + Schedules + Components> Store for T {}

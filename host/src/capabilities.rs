//! What the host lends a guest for one attempt.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::clock::Clock;
use model::id::{Digest, JobId, Lease};
use model::job::{JobOptions, LogLine, NewJob, Progress, Start};
use model::name::QueueKey;
use model::retry::MAX_ATTEMPTS_DEFAULT;
use model::task::TaskRef;
use sandbox::{Capabilities, ChildJob, HttpError, HttpRequest, HttpResponse, MailError, MailMessage};
use service::backoff;
use store::{Report, Store, Submit};
use uuid::Builder;

use crate::journal::Journal;
use crate::mail::message::Mail;
use crate::outside::Outside;
use crate::patience::patient;
use crate::session::{Lost, Session};

/// The longest wait between two tries of what the store could not do.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// What a guest is told when its attempt is another's by now.
const LEASE_LOST: &str = "the host lost the lease of this attempt";

/// What one attempt was lent.
pub(crate) struct Lent {
    /// Where jobs and checkpoints go.
    pub(crate) store: Arc<dyn Store>,
    /// HTTP, e-mail, secrets.
    pub(crate) outside: Arc<Outside>,
    /// Without it nothing is done any more.
    pub(crate) session: Arc<Session>,
    /// Log and progress.
    pub(crate) journal: Arc<Journal>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// The attempt.
    pub(crate) lease: Lease,
    /// The queue its job came from.
    pub(crate) queue: QueueKey,
}

impl Lent {
    /// Asks the store until it answers or the lease is lost: the deadline of the attempt ends this too, for it drops
    /// the call.
    async fn ask<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, String>
    where
        F: Future<Output = store::Result<T>>,
    {
        let mut waits = backoff(Duration::from_millis(50), RETRY_MAX);
        loop {
            if !self.session.settled().await {
                return Err(LEASE_LOST.to_owned());
            }
            match patient(call()).await {
                Ok(answer) => return Ok(answer),
                Err(store::Error::Stale { .. }) => return Err(LEASE_LOST.to_owned()),
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "a guest waits for the store");
                    tokio::time::sleep(waits.next().unwrap_or(RETRY_MAX)).await;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

#[async_trait]
impl Capabilities for Lent {
    /// Whatever this machine's clock shows, a line bears the platform's time.
    fn log(&self, line: LogLine) {
        self.journal.line(LogLine { at: self.clock.now(), ..line });
    }

    fn progress(&self, progress: Progress) {
        self.journal.progress(progress);
    }

    /// A doubt is no loss: each call below waits it out before it touches anything.
    fn lease_held(&self) -> bool {
        !self.session.is_lost()
    }

    async fn save_checkpoint(&self, data: Vec<u8>) -> Result<(), String> {
        let report = Report { lease: self.lease, lines: Vec::new(), progress: None, checkpoint: Some(data) };
        self.ask(|| self.store.report(report.clone())).await
    }

    async fn enqueue(&self, child: ChildJob) -> Result<JobId, String> {
        let task = TaskRef::from(child.task);
        let namespace = &self.queue.namespace;
        let version = self.ask(|| self.store.resolve(namespace, &task)).await?;
        let max_attempts = version.manifest.description.max_attempts.unwrap_or(MAX_ATTEMPTS_DEFAULT);
        let options = JobOptions {
            queue: child.queue.unwrap_or_else(|| self.queue.queue.clone()),
            priority: child.priority,
            start: if child.delay.is_zero() { Start::Now } else { Start::After(child.delay) },
            ..JobOptions::default()
        };
        let job = NewJob {
            id: child_id(self.lease.job, child.call),
            namespace: namespace.clone(),
            version: version.id,
            payload: child.payload,
            max_attempts,
            options,
        };
        let submit = Submit { jobs: vec![job], parent: Some(self.lease) };
        let made = self.ask(|| self.store.submit(submit.clone())).await?;
        made.first().map(|made| made.id).ok_or_else(|| "the store made no job".to_owned())
    }

    async fn send_mail(&self, message: MailMessage, call: u32) -> Result<String, MailError> {
        let mail = Mail { message, job: self.lease.job, call, at: self.clock.now().into() };
        let sent = self.session.under(self.outside.send_mail(mail)).await;
        sent.unwrap_or_else(|Lost| Err(MailError::Unavailable(LEASE_LOST.to_owned())))
    }

    async fn http(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answered = self.session.under(self.outside.http(request, self.session.certainty())).await;
        answered.unwrap_or_else(|Lost| Err(HttpError::Failed(LEASE_LOST.to_owned())))
    }

    fn has_secret(&self, name: &str) -> bool {
        self.outside.has_secret(name)
    }
}

/// The id of the job that the `call`-th call of each attempt of `parent` makes. It keeps the parent's instant,
/// so that it sorts beside it; the rest is a hash of both.
pub(crate) fn child_id(parent: JobId, call: u32) -> JobId {
    let mut text = b"child job of ".to_vec();
    text.extend_from_slice(parent.0.as_bytes());
    text.extend_from_slice(&call.to_be_bytes());
    let Digest(hash) = Digest::of(&text);
    let mut random = [0; 10];
    random.copy_from_slice(&hash[..10]);
    let mut millis = [0; 8];
    millis[2..].copy_from_slice(&parent.0.as_bytes()[..6]);
    JobId(Builder::from_unix_timestamp_millis(u64::from_be_bytes(millis), &random).into_uuid())
}

#[cfg(test)]
mod tests {
    use model::clock::{Clock, SystemClock};

    use super::*;

    #[test]
    fn a_call_makes_the_same_job_in_every_attempt_and_no_other() {
        let (one, two) = (JobId::generate(SystemClock.now()), JobId::generate(SystemClock.now()));

        let id = child_id(one, 3);

        assert_eq!(id, child_id(one, 3));
        assert_ne!(id, child_id(one, 4));
        assert_ne!(id, child_id(two, 3));
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(id.0.as_bytes()[..6], one.0.as_bytes()[..6]);
    }
}

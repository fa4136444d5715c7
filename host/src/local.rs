//! What a guest is lent where there is no platform: no store, no session, only somebody who looks on
//! (`jobctl task run`).
//!
//! HTTP, e-mail and secrets are the same code as a host's. A checkpoint is kept in memory; a child job is told and
//! not made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::id::JobId;
use model::job::{LogLine, Progress};
use sandbox::{Capabilities, ChildJob, HttpError, HttpRequest, HttpResponse, MailError, MailMessage};

use crate::MailConfig;
use crate::capabilities::child_id;
use crate::outside::Outside;

/// How [`Local`] is set up.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The job that the attempt stands for: Message-IDs and ids of child jobs are made from it.
    pub job: JobId,
    /// The release that HTTP requests name as their sender.
    pub version: String,
    /// Where e-mail goes.
    pub mail: MailConfig,
    /// Values of the secrets that the task may name; they never reach the guest.
    pub secrets: BTreeMap<String, String>,
}

/// What a guest did, as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It wrote a line into its log.
    Line(LogLine),
    /// It said how far it is.
    Progress(Progress),
    /// It sent an e-mail, under this Message-ID.
    Mail(String, MailMessage),
    /// It asked for a child job, which would have had this id.
    Child(JobId, ChildJob),
}

/// Lends a guest what there is on this machine.
pub struct Local {
    job: JobId,
    outside: Outside,
    checkpoint: Mutex<Option<Vec<u8>>>,
    tell: Box<dyn Fn(Event) + Send + Sync>,
}

impl Local {
    /// Tells whatever the guest does to `tell`, which is called in the middle of it and does not wait for long.
    ///
    /// # Errors
    /// When the mail relay or the sender makes no sense, or TLS cannot be set up.
    pub fn new(
        config: LocalConfig,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> anyhow::Result<Arc<Self>> {
        let LocalConfig { job, version, mail, secrets } = config;
        let outside = Outside::new(&version, &mail, secrets)?;
        Ok(Arc::new(Self { job, outside, checkpoint: Mutex::default(), tell: Box::new(tell) }))
    }

    /// What the guest saved last.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Vec<u8>> {
        self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Capabilities for Local {
    fn log(&self, line: LogLine) {
        (self.tell)(Event::Line(line));
    }

    fn progress(&self, progress: Progress) {
        (self.tell)(Event::Progress(progress));
    }

    /// There is nobody to lose it to.
    fn lease_held(&self) -> bool {
        true
    }

    async fn save_checkpoint(&self, data: Vec<u8>) -> Result<(), String> {
        *self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(data);
        Ok(())
    }

    async fn enqueue(&self, child: ChildJob) -> Result<JobId, String> {
        let id = child_id(self.job, child.call);
        (self.tell)(Event::Child(id, child));
        Ok(id)
    }

    async fn send_mail(&self, message: MailMessage, call: u32) -> Result<String, MailError> {
        let id = self.outside.send_mail(message.clone(), self.job, call).await?;
        (self.tell)(Event::Mail(id.clone(), message));
        Ok(id)
    }

    async fn http(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.outside.http(request).await
    }

    fn has_secret(&self, name: &str) -> bool {
        self.outside.has_secret(name)
    }
}

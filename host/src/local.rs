//! What a guest is lent where there is no platform: no store, no session, only somebody who looks on
//! (`jobctl task run`).
//!
//! HTTP, e-mail and secrets are the same code as a host's. A checkpoint is kept in memory; a child job is told and
//! not made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::clock::{Clock, SystemClock};
use model::id::JobId;
use model::job::{LogLine, Progress};
use sandbox::{Capabilities, ChildJob, HttpError, HttpRequest, HttpResponse, MailError, MailMessage};

use crate::capabilities::child_id;
use crate::mail::message::Mail;
use crate::outside::Outside;
use crate::{MailConfig, Network};

/// How [`Local`] is set up.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The job that the attempt stands for: Message-IDs and ids of child jobs are made from it.
    pub job: JobId,
    /// The release that HTTP requests name as their sender.
    pub version: String,
    /// Networks that a name in the guest's request may lead to, beside the internet.
    pub allow_networks: Vec<Network>,
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
        let LocalConfig { job, version, allow_networks, mail, secrets } = config;
        let outside = Outside::new(&version, &allow_networks, &mail, secrets)?;
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
        let mail = Mail { message: message.clone(), job: self.job, call, at: SystemClock.now().into() };
        let id = self.outside.send_mail(mail).await?;
        (self.tell)(Event::Mail(id.clone(), message));
        Ok(id)
    }

    async fn http(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.outside.http(request, Box::pin(async { true })).await
    }

    fn has_secret(&self, name: &str) -> bool {
        self.outside.has_secret(name)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::job::{LogLevel, Priority};
    use model::json::Json;

    use super::*;

    type Told = Arc<Mutex<Vec<Event>>>;

    fn local(mail: MailConfig) -> (Arc<Local>, Told) {
        let told = Told::default();
        let heard = Arc::clone(&told);
        let config = LocalConfig {
            job: JobId::generate(SystemClock.now()),
            version: "0".to_owned(),
            allow_networks: Vec::new(),
            mail,
            secrets: BTreeMap::from([("token".to_owned(), "hunter2".to_owned())]),
        };
        let tell = move |event| heard.lock().expect("unpoisoned").push(event);
        (Local::new(config, tell).expect("it is set up"), told)
    }

    fn child(call: u32) -> ChildJob {
        ChildJob {
            task: "report".parse().expect("a name"),
            payload: Json::check("payload", b"{}".to_vec(), 10).expect("JSON"),
            queue: None,
            priority: Priority::default(),
            delay: Duration::ZERO,
            call,
        }
    }

    fn mail() -> MailMessage {
        MailMessage {
            to: vec!["ana@example.com".to_owned()],
            reply_to: None,
            subject: "hi".to_owned(),
            text: "hi".to_owned(),
            html: None,
        }
    }

    #[tokio::test]
    async fn what_a_guest_does_is_told_in_order() {
        let outbox = tempfile::tempdir().expect("a folder");
        let folder = outbox.path().to_owned();
        let (local, told) = local(MailConfig::Outbox { folder, from: "jobs@example.com".to_owned() });
        let line = LogLine { at: SystemClock.now(), level: LogLevel::Info, text: "one".to_owned() };
        let progress = Progress { percent: 5, message: "begun".to_owned() };

        local.log(line.clone());
        local.progress(progress.clone());
        let mailed = local.send_mail(mail(), 0).await.expect("it goes into the folder");
        let made = local.enqueue(child(0)).await.expect("it is told");
        let other = local.enqueue(child(1)).await.expect("it is told");

        assert_ne!(made, other);
        assert_eq!(std::fs::read_dir(outbox.path()).expect("a folder").count(), 1);
        assert_eq!(
            *told.lock().expect("unpoisoned"),
            [
                Event::Line(line),
                Event::Progress(progress),
                Event::Mail(mailed, mail()),
                Event::Child(made, child(0)),
                Event::Child(other, child(1)),
            ]
        );
    }

    #[tokio::test]
    async fn the_last_checkpoint_is_kept() {
        let (local, _told) = local(MailConfig::Off);
        assert_eq!(local.checkpoint(), None);

        for data in [b"one", b"two"] {
            local.save_checkpoint(data.to_vec()).await.expect("saved");
        }

        assert_eq!(local.checkpoint().as_deref(), Some(&b"two"[..]));
    }

    #[tokio::test]
    async fn without_a_relay_no_mail_is_told_and_only_known_secrets_are_there() {
        let (local, told) = local(MailConfig::Off);

        let refused = local.send_mail(mail(), 0).await;

        assert!(matches!(refused, Err(MailError::Refused(_))));
        assert_eq!(*told.lock().expect("unpoisoned"), []);
        assert!(local.has_secret("token") && !local.has_secret("other") && local.lease_held());
    }
}

//! E-mail on behalf of guests: to a relay, or into a folder on a machine without one.
//!
//! The credentials and the sender are the host's. A message's id is the same for every attempt of a job, so that
//! a receiver (or the folder) can tell a repetition.

pub(crate) mod message;
mod outbox;
mod relay;

use anyhow::Context;
use lettre::message::Mailbox;
use sandbox::MailError;

use crate::MailConfig;
use message::{Letter, Mail};
use outbox::Outbox;
use relay::Relay;

/// Sends e-mail.
pub(crate) enum Mailer {
    /// Nowhere.
    Off,
    /// Into a folder.
    Outbox(Mailbox, Outbox),
    /// To a relay.
    Relay(Mailbox, Relay),
}

impl Mailer {
    /// As configured.
    ///
    /// # Errors
    /// When the sender is no address, the URL is none, or the folder cannot be made.
    pub(crate) fn new(config: &MailConfig) -> anyhow::Result<Self> {
        Ok(match config {
            MailConfig::Off => Self::Off,
            MailConfig::Outbox { folder, from } => Self::Outbox(sender(from)?, Outbox::new(folder.clone())?),
            MailConfig::Smtp { url, from } => {
                let from = sender(from)?;
                let relay = Relay::new(url, from.email.domain())?;
                Self::Relay(from, relay)
            }
        })
    }

    /// Sends it and returns its Message-ID.
    pub(crate) async fn send(&self, mail: Mail) -> Result<String, MailError> {
        match self {
            Self::Off => Err(MailError::Refused(
                "this host has no mail relay: start it with --smtp-url (JOBCTL_SMTP_URL)".to_owned(),
            )),
            Self::Outbox(from, outbox) => {
                let name = format!("{}.{}.eml", mail.job, mail.call);
                outbox.put(name, Letter::write(from, mail)?).await
            }
            Self::Relay(from, relay) => relay.send(Letter::write(from, mail)?).await,
        }
    }
}

fn sender(from: &str) -> anyhow::Result<Mailbox> {
    from.parse().with_context(|| format!("read the sender {from:?}, as in `Jobs <jobs@example.com>`"))
}

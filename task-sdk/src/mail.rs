//! E-mail through the host's relay. Its credentials and the sender's address are the host's.
//!
//! Using this module makes the component ask for the capability: `jobctl task publish … --allow-mail`.
//!
//! ```no_run
//! use task_sdk::{TaskError, mail};
//!
//! fn thank(address: &str) -> Result<String, TaskError> {
//!     let id = mail::Message::new("Thank you", "We got your order.")
//!         .to(address)
//!         .reply_to("Sales <sales@example.com>")
//!         .html("<p>We got your <b>order</b>.</p>")
//!         .send()?;
//!     Ok(id)
//! }
//! ```

use crate::host;

/// An e-mail that is being put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Addresses, as in `Ana <ana@example.com>`.
    pub to: Vec<String>,
    /// Where answers go instead of to the sender.
    pub reply_to: Option<String>,
    /// The subject, one line.
    pub subject: String,
    /// The text that every reader can show.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An address or the subject is malformed: trying again will not help.
    #[error("the mail is malformed: {0}")]
    Invalid(String),
    /// The relay refused it for good.
    #[error("the relay refused it: {0}")]
    Refused(String),
    /// The relay could not be reached or asked to try again later.
    #[error("the relay is not available: {0}")]
    Unavailable(String),
}

impl Message {
    /// A mail to nobody yet.
    #[must_use]
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { to: Vec::new(), reply_to: None, subject: subject.into(), text: text.into(), html: None }
    }

    /// Adds a receiver.
    #[must_use]
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to.push(address.into());
        self
    }

    /// Where answers go instead of to the sender.
    #[must_use]
    pub fn reply_to(mut self, address: impl Into<String>) -> Self {
        self.reply_to = Some(address.into());
        self
    }

    /// The same text as HTML.
    #[must_use]
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Sends it and returns its Message-ID once the relay has taken it. The id is the same for every attempt of
    /// the job, so that a receiver can tell a repetition.
    ///
    /// # Errors
    /// When it is malformed, refused, or the relay is away.
    pub fn send(&self) -> Result<String, Error> {
        host::send_mail(self)
    }
}

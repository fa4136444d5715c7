//! The world outside the platform, as guests may touch it: HTTP, e-mail, secrets.

use std::collections::BTreeMap;

use anyhow::Context;
use sandbox::{HttpError, HttpRequest, HttpResponse, MailError};

use crate::http::{Leave, Outbound};
use crate::mail::Mailer;
use crate::mail::message::Mail;
use crate::{MailConfig, Network};

/// The world outside, shared by all attempts.
pub(crate) struct Outside {
    mailer: Mailer,
    outbound: Outbound,
    secrets: BTreeMap<String, String>,
}

impl Outside {
    /// As configured; `version` is the release that HTTP requests name as their sender, `networks` is where names may
    /// lead beside the internet.
    ///
    /// # Errors
    /// When the mail relay or the sender makes no sense, or TLS cannot be set up.
    pub(crate) fn new(
        version: &str,
        networks: &[Network],
        mail: &MailConfig,
        secrets: BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        // Whoever was first chose for the whole process, and every provider that can be chosen here is this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mailer = Mailer::new(mail).context("set up mail")?;
        let outbound = Outbound::new(networks, version).context("set up HTTP for guests")?;
        Ok(Self { mailer, outbound, secrets })
    }

    /// Makes a request, which may `leave` when that says so.
    pub(crate) async fn http(&self, request: HttpRequest, leave: Leave) -> Result<HttpResponse, HttpError> {
        self.outbound.send(request, &self.secrets, leave).await
    }

    /// Sends a mail and returns its Message-ID.
    pub(crate) async fn send_mail(&self, mail: Mail) -> Result<String, MailError> {
        self.mailer.send(mail).await
    }

    /// Whether there is a secret of this name.
    pub(crate) fn has_secret(&self, name: &str) -> bool {
        self.secrets.contains_key(name)
    }
}

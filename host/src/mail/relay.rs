//! The relay: SMTP over a small pool of connections.
//!
//! ```text
//! smtps://USER:PASSWORD@HOST    port 465   TLS from the first byte
//! smtp://USER:PASSWORD@HOST     port 587   TLS by STARTTLS, or nothing is sent
//! smtp://HOST                   port 25    in clear: for a relay on this machine or a trusted network
//! smtp://…?tls=required         port 587   TLS by STARTTLS, or nothing is sent
//! smtp://…?tls=opportunistic    port 587   TLS if the relay offers it, else in clear
//! ```

use std::io;
use std::iter::successors;
use std::time::Duration;

use anyhow::{anyhow, bail};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use sandbox::MailError;
use url::Url;

use super::message::Letter;

/// How long the relay may take for each step; RFC 5321 grants minutes, and a job can try again.
const STEP_PATIENCE: Duration = Duration::from_secs(20);

/// Connections kept open; more are made when more mails are under way at once.
const CONNECTIONS_KEPT: u32 = 4;

/// How long one is kept without a mail: relays hang up after a minute or so.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// An error of any kind.
type Cause = dyn std::error::Error + 'static;

/// A relay.
pub(crate) struct Relay {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Relay {
    /// The relay at `url`, greeted as `domain`. Connects at the first mail.
    ///
    /// # Errors
    /// When the URL is none, or the certificates of the system cannot be read. The URL has a password in it and is
    /// not shown.
    pub(crate) fn new(url: &str, domain: &str) -> anyhow::Result<Self> {
        let url = checked(url)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|error| anyhow!("the mail relay's URL cannot be used: {error}"))?;
        let pool = PoolConfig::new().max_size(CONNECTIONS_KEPT).idle_timeout(KEPT_FOR);
        let transport = builder
            .hello_name(ClientId::Domain(domain.to_owned()))
            .timeout(Some(STEP_PATIENCE))
            .pool_config(pool)
            .build();
        Ok(Self { transport })
    }

    /// Returns the message's id once the relay has taken it.
    ///
    /// A message that was begun is sent to its end also when the caller is dropped: a connection that was left in
    /// the middle of a dialogue would answer the next message with what it owes to this one.
    pub(crate) async fn send(&self, letter: Letter) -> Result<String, MailError> {
        let transport = self.transport.clone();
        let Letter { id, message } = letter;
        let sent = tokio::spawn(async move { transport.send(message).await }).await;
        match sent {
            Ok(Ok(_)) => Ok(id),
            Ok(Err(error)) => Err(sort(&error)),
            Err(_) => Err(MailError::Unavailable("the host broke while it sent the message".to_owned())),
        }
    }
}

/// The URL, with TLS where it has a password: none goes in clear unless the URL says that it may.
fn checked(url: &str) -> anyhow::Result<Url> {
    if !["smtp://", "smtps://"].iter().any(|scheme| url.starts_with(scheme)) {
        bail!("the mail relay's URL begins neither with smtp:// nor with smtps://");
    }
    let mut url = Url::parse(url).map_err(|error| anyhow!("the mail relay's URL cannot be used: {error}"))?;
    // One that is misspelt would be passed over, and the mail go in clear.
    if url.query_pairs().any(|(name, _)| name != "tls") {
        bail!("the mail relay's URL has a parameter other than tls=required and tls=opportunistic");
    }
    if url.scheme() == "smtp" && url.password().is_some() && url.query_pairs().next().is_none() {
        url.set_query(Some("tls=required"));
    }
    Ok(url)
}

fn sort(error: &Error) -> MailError {
    let text = full(error);
    if error.is_permanent() {
        MailError::Refused(format!("the mail relay refused it: {text}"))
    } else if error.is_client() {
        // It lacks what the URL or an address asks of it: TLS, a way to log in, letters beyond ASCII.
        MailError::Refused(format!("the mail relay cannot take it: {text}"))
    } else if error.is_transient() {
        MailError::Unavailable(format!("the mail relay asks to try again later: {text}"))
    } else if causes(error).any(is_about_a_certificate) {
        // Certificates are renewed and authorities installed: a later try may do.
        MailError::Unavailable(format!("the mail relay's certificate is not trusted: {text}"))
    } else {
        MailError::Unavailable(format!("the mail relay cannot be reached: {text}"))
    }
}

/// The error with its causes, each said once.
fn full(error: &Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for text in causes(error).map(ToString::to_string) {
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    let text = parts.join(": ");
    // An error of the library wraps another of its kind, and says both.
    let mut words: Vec<&str> = text.split(": ").collect();
    words.dedup();
    words.join(": ")
}

/// The error, and what caused it, down to the bottom.
fn causes(error: &Error) -> impl Iterator<Item = &Cause> {
    successors(Some(error as &Cause), |error| error.source())
}

fn is_about_a_certificate(cause: &Cause) -> bool {
    let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let tls = wrapped.and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::super::Mailer;
    use super::super::message::Mail;
    use super::*;
    use crate::MailConfig;

    fn config(url: &str) -> MailConfig {
        MailConfig::Smtp { url: url.to_owned(), from: "jobs@example.com".to_owned() }
    }

    /// A relay that greets every mail's sender with `answer`.
    async fn relay(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (read, mut write) = stream.split();
                write.write_all(b"220 test\r\n").await.expect("greeted");
                let mut lines = BufReader::new(read).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let said = if line.starts_with("MAIL") { answer } else { "250 test" };
                    if write.write_all(format!("{said}\r\n").as_bytes()).await.is_err() {
                        break;
                    }
                }
            }
        });
        url
    }

    async fn sent_to(url: &str) -> Result<String, MailError> {
        let mailer = Mailer::new(&config(url)).expect("a good URL");
        let message = sandbox::MailMessage {
            to: vec!["ana@example.com".to_owned()],
            reply_to: None,
            subject: "hi".to_owned(),
            text: "hi".to_owned(),
            html: None,
        };
        let job = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000".parse().expect("an id");
        mailer.send(Mail { message, job, call: 0, at: std::time::SystemTime::UNIX_EPOCH }).await
    }

    #[tokio::test]
    async fn what_a_relay_says_decides_whether_it_is_tried_again() {
        let never = relay("550 no such sender").await;
        let later = relay("451 greylisted").await;

        let refused = sent_to(&never).await.expect_err("550");
        let unavailable = sent_to(&later).await.expect_err("451");
        let unreachable = sent_to("smtp://127.0.0.1:1").await.expect_err("nobody is there");

        assert!(
            matches!(&refused, MailError::Refused(text) if text.contains("no such sender")),
            "{refused:?}"
        );
        assert!(matches!(&unavailable, MailError::Unavailable(text) if text.contains("greylisted")));
        assert!(matches!(&unreachable, MailError::Unavailable(text) if text.contains("reached")));
    }

    #[tokio::test]
    async fn whoever_is_stopped_does_not_wait_for_a_silent_relay() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", silent.local_addr().expect("bound"));

        let sending = tokio::spawn(async move { sent_to(&url).await });
        let _held = silent.accept().await.expect("it comes");
        sending.abort();

        let ended = tokio::time::timeout(testkit::eventually::DEADLINE, sending).await.expect("it ends");
        assert!(ended.expect_err("it was dropped").is_cancelled());
    }

    #[tokio::test]
    async fn a_password_goes_to_no_relay_in_clear() {
        let relay = relay("250 test").await;
        let address = relay.trim_start_matches("smtp://");

        for end in ["", "?", "/?"] {
            let refused = sent_to(&format!("smtp://u:p@{address}{end}")).await.expect_err("it has no TLS");

            assert!(matches!(&refused, MailError::Refused(text) if text.contains("STARTTLS")), "{refused:?}");
        }
        assert!(sent_to(&relay).await.is_ok(), "without a password it may go");
    }

    #[tokio::test]
    async fn a_bad_url_is_refused_without_showing_its_password() {
        for url in [
            "http://u:hunter2@relay",
            "smtp://u:hunter2@relay?tls=maybe",
            "smtp://u:hunter2@relay?TLS=required",
            "smtp://u:hunter2@relay:port",
            "smtp://u:hunter2@",
            "relay",
        ] {
            let error = Mailer::new(&config(url)).err().unwrap_or_else(|| panic!("{url} passed"));
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
        assert!(Mailer::new(&config("smtp://u:p@relay.example.com:587?tls=required")).is_ok());
    }
}

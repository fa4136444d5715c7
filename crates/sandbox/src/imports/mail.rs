//! `mail`: e-mail through the host's relay.

use std::sync::Arc;

use model::grants::Capability;

use crate::bindings::jobs::task::mail;
use crate::capabilities::{MailError, MailMessage};
use crate::gate::denied;
use crate::state::State;

/// Most receivers of one mail: relays refuse more than about a hundred, and a task can send several.
const RECEIVERS_MAX: usize = 50;

/// Longest address with its name, and longest subject: a line of a mail has 998 bytes.
const LINE_BYTES_MAX: usize = 998;

/// Longest text and HTML together: 4 MiB, well below what relays take once it is encoded.
const BODY_BYTES_MAX: usize = 4 << 20;

impl mail::Host for State {
    async fn send(&mut self, message: mail::Message) -> wasmtime::Result<Result<String, mail::Error>> {
        self.gate.pass_outside()?;
        if !self.gate.grants.mail {
            return Err(denied(Capability::Mail));
        }
        let call = self.gate.counts.mails;
        self.gate.counts.mails += 1;
        if let Err(problem) = check(&message) {
            return Ok(Err(mail::Error::Invalid(problem)));
        }
        let mail::Message { to, reply_to, subject, text, html } = message;
        let written = subject.len() + text.len() + html.as_ref().map_or(0, String::len);
        self.gate.counts.bytes_out += written as u64;
        let message = MailMessage { to, reply_to, subject, text, html };
        let capabilities = Arc::clone(&self.gate.capabilities);
        let sent = self.gate.timed(capabilities.send_mail(message, call)).await;
        Ok(sent.map_err(|error| match error {
            MailError::Invalid(text) => mail::Error::Invalid(text),
            MailError::Refused(text) => mail::Error::Refused(text),
            MailError::Unavailable(text) => mail::Error::Unavailable(text),
        }))
    }
}

fn check(message: &mail::Message) -> Result<(), String> {
    let receivers = message.to.len();
    if receivers == 0 || receivers > RECEIVERS_MAX {
        return Err(format!("a mail has 1 to {RECEIVERS_MAX} receivers, this one has {receivers}"));
    }
    let lines = message.to.iter().chain(&message.reply_to).chain([&message.subject]);
    for line in lines {
        let seen = line.len();
        if seen > LINE_BYTES_MAX {
            return Err(format!(
                "an address or subject has at most {LINE_BYTES_MAX} bytes, this one has {seen}"
            ));
        }
        if line.contains(char::is_control) {
            return Err(format!("{line:?} has a control character"));
        }
    }
    let body = message.text.len() + message.html.as_ref().map_or(0, String::len);
    if body > BODY_BYTES_MAX {
        return Err(format!("text and HTML have at most {BODY_BYTES_MAX} bytes together, these have {body}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str, subject: &str) -> mail::Message {
        mail::Message {
            to: vec![to.to_owned()],
            reply_to: None,
            subject: subject.to_owned(),
            text: String::new(),
            html: None,
        }
    }

    #[test]
    fn a_line_break_cannot_smuggle_a_header() {
        assert!(check(&message("ana@example.com", "hi\r\nBcc: eve@example.com")).is_err());
        assert!(check(&message("ana@example.com\nBcc: eve@example.com", "hi")).is_err());
        assert_eq!(check(&message("Ana <ana@example.com>", "hi")), Ok(()));
    }

    #[test]
    fn a_mail_without_or_with_too_many_receivers_is_refused() {
        let none = mail::Message { to: Vec::new(), ..message("x@example.com", "hi") };
        let many = mail::Message { to: vec!["x@example.com".to_owned(); 51], ..none.clone() };

        assert!(check(&none).is_err());
        assert!(check(&many).is_err());
    }
}

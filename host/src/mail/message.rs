//! A message as it goes over the wire.

use std::time::SystemTime;

use lettre::Message;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use model::id::JobId;
use sandbox::{MailError, MailMessage};

/// What a guest wants sent.
pub(crate) struct Mail {
    /// The message.
    pub(crate) message: MailMessage,
    /// The job that sends it, and by which of its calls.
    pub(crate) job: JobId,
    pub(crate) call: u32,
    /// When.
    pub(crate) at: SystemTime,
}

/// A message and its id.
pub(crate) struct Letter {
    /// The id, with its angle brackets.
    pub(crate) id: String,
    /// The message.
    pub(crate) message: Message,
}

impl Letter {
    /// Writes what a guest wants sent.
    ///
    /// # Errors
    /// `Invalid` for an address that is none.
    pub(crate) fn write(from: &Mailbox, mail: Mail) -> Result<Self, MailError> {
        let Mail { message: mail, job, call, at } = mail;
        let id = format!("<{job}.{call}@{}>", from.email.domain());
        let mut builder =
            Message::builder().from(from.clone()).date(at).message_id(Some(id.clone())).subject(mail.subject);
        for receiver in &mail.to {
            builder = builder.to(mailbox(receiver)?);
        }
        if let Some(reply_to) = &mail.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        let built = match mail.html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(mail.text, html)),
            None => builder.singlepart(SinglePart::plain(mail.text)),
        };
        let message = built.map_err(|error| MailError::Invalid(error.to_string()))?;
        Ok(Self { id, message })
    }
}

fn mailbox(text: &str) -> Result<Mailbox, MailError> {
    text.parse().map_err(|error| MailError::Invalid(format!("{text:?} is not an address: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> MailMessage {
        MailMessage {
            to: vec!["Ana Péres <ana@example.com>".to_owned(), "bo@example.org".to_owned()],
            reply_to: Some("desk@example.com".to_owned()),
            subject: "Relatório de março ✓".to_owned(),
            text: "Olá,\n\n.linha com ponto\n".to_owned(),
            html: Some("<p>Olá</p>".to_owned()),
        }
    }

    fn write(mail: MailMessage) -> Result<Letter, MailError> {
        let from = "Jobs <jobs@example.net>".parse().expect("an address");
        let job = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000".parse().expect("an id");
        Letter::write(&from, Mail { message: mail, job, call: 2, at: SystemTime::UNIX_EPOCH })
    }

    #[test]
    fn the_id_is_of_the_job_and_the_call() {
        let letter = write(mail()).expect("it is good");

        assert_eq!(letter.id, "<0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000.2@example.net>");
        let text = String::from_utf8(letter.message.formatted()).expect("all of it is ASCII");
        assert!(text.contains(&format!("Message-ID: {}\r\n", letter.id)), "{text}");
        assert!(text.is_ascii());
    }

    #[test]
    fn every_part_and_every_receiver_is_there() {
        let letter = write(mail()).expect("it is good");

        let text = String::from_utf8(letter.message.formatted()).expect("all of it is ASCII");
        for part in ["multipart/alternative", "text/plain; charset=utf-8", "text/html; charset=utf-8"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("Reply-To: desk@example.com\r\n"), "{text}");
        let receivers: Vec<String> = letter.message.envelope().to().iter().map(ToString::to_string).collect();
        assert_eq!(receivers, ["ana@example.com", "bo@example.org"]);
    }

    #[test]
    fn what_is_no_address_is_invalid() {
        for address in
            ["", "ana", "ana@", "@example.com", "a b@example.com", "ana@example.com, bo@example.org"]
        {
            let wrong = MailMessage { to: vec![address.to_owned()], ..mail() };
            assert!(matches!(write(wrong), Err(MailError::Invalid(_))), "{address:?}");
        }
        let wrong = MailMessage { reply_to: Some("desk".to_owned()), ..mail() };
        assert!(matches!(write(wrong), Err(MailError::Invalid(_))));
    }
}

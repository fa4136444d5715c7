//! Sends an e-mail through the host's mail capability.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use task_sdk::{TaskError, context, log, mail, progress, task};

task_sdk::tasks![send_email];

/// Longest subject that is made of a message, in characters: what a list of mails shows in a line.
const SUBJECT_CHARS_MAX: usize = 72;

/// An e-mail to send.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Email {
    /// Who gets it: an address such as `ana@example.com` or `Ana <ana@example.com>`, or a list of them.
    email: Receivers,
    /// The message, as plain text.
    #[schemars(length(min = 1))]
    message: String,
    /// The subject; without it, the first line of the message.
    #[schemars(length(min = 1, max = 900))]
    subject: Option<String>,
    /// Where answers go, if not to the sender.
    #[schemars(length(min = 3, max = 320))]
    reply_to: Option<String>,
    /// The same message as HTML, for readers that show it.
    html: Option<String>,
}

/// One address or a list of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected an address or a list of addresses")]
enum Receivers {
    /// One address.
    One(#[schemars(length(min = 3, max = 320))] String),
    /// Up to 50 addresses, who all see each other.
    Many(#[schemars(length(min = 1, max = 50), inner(length(min = 3, max = 320)))] Vec<String>),
}

/// The relay has taken the e-mail.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Sent {
    /// The Message-ID, the same for every attempt of the job.
    message_id: String,
    /// Who gets it.
    to: Vec<String>,
    /// The subject it went with.
    subject: String,
}

/// Sends an e-mail, as plain text and on request as HTML too.
///
/// Needs the grant `--allow-mail`. An address that is none, or that the relay refuses, fails the job for good; a
/// relay that is away is tried again.
#[task(timeout = "2m", memory = "32MiB")]
fn send_email(email: Email) -> Result<Sent, TaskError> {
    let to = receivers(email.email)?;
    let reply_to = email.reply_to.map(|address| checked(&address)).transpose()?;
    let subject = subject(email.subject, &email.message);
    let message = mail::Message { to, reply_to, subject, text: email.message, html: email.html };

    let job = context::current();
    let count = message.to.len();
    log::info!("sending to {count} receiver(s), attempt {} of {}", job.attempt, job.max_attempts);
    progress::report(20, "handing the e-mail to the relay");
    let message_id = message.send().inspect_err(|error| log::error!("{error}"))?;
    log::info!("the relay has taken it as {message_id}");
    progress::report(100, "sent");

    Ok(Sent { message_id, to: message.to, subject: message.subject })
}

/// The addresses in the order given, each once.
fn receivers(receivers: Receivers) -> Result<Vec<String>, TaskError> {
    let given = match receivers {
        Receivers::One(address) => vec![address],
        Receivers::Many(addresses) => addresses,
    };
    if given.is_empty() {
        return Err(TaskError::permanent("`email` has no address"));
    }
    let mut seen = BTreeSet::new();
    let mut to = Vec::with_capacity(given.len());
    for address in given {
        let address = checked(&address)?;
        if seen.insert(address.clone()) {
            to.push(address);
        }
    }
    Ok(to)
}

/// Finds what cannot be an address before the relay is asked; the host looks closer.
fn checked(address: &str) -> Result<String, TaskError> {
    let trimmed = address.trim();
    let inner = match trimmed.split_once('<') {
        Some((_name, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => trimmed,
    };
    let fits = inner.rsplit_once('@').is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
        && !inner
            .contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>'));
    if fits {
        Ok(trimmed.to_owned())
    } else {
        Err(TaskError::permanent(format!("{address:?} is not an e-mail address")))
    }
}

/// The subject given, or the message's first line that says something, cut at a word.
fn subject(given: Option<String>, message: &str) -> String {
    if let Some(given) = given.filter(|subject| !subject.trim().is_empty()) {
        return given;
    }
    let Some(line) = message.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return "(no subject)".to_owned();
    };
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    let Some((end, _)) = line.char_indices().nth(SUBJECT_CHARS_MAX) else {
        return line;
    };
    let cut = line[..end].rfind(' ').filter(|space| *space > end / 2).unwrap_or(end);
    format!("{} …", line[..cut].trim_end())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use task_sdk::testing::{self, Host, Played};
    use task_sdk::{Kind, mail};

    use super::send_email;

    fn play(payload: Value) -> Played<Result<Value, super::TaskError>> {
        Host::new().run::<send_email>(payload)
    }

    fn failure(payload: Value, error: Option<mail::Error>) -> super::TaskError {
        let host = match error {
            Some(error) => Host::new().mail(move |_| Err(error.clone())),
            None => Host::new(),
        };
        host.run::<send_email>(payload).result.expect_err("it fails")
    }

    #[test]
    fn a_message_goes_to_its_receiver() {
        let played = play(json!({"email": "ana@example.com", "message": "Olá, Ana!\nTudo bem?"}));

        let expected =
            json!({"message_id": "<1@recorded.example>", "to": ["ana@example.com"], "subject": "Olá, Ana!"});
        assert_eq!(played.result, Ok(expected));
        let mail = &played.recording.mails[0];
        assert_eq!((mail.text.as_str(), &mail.html, &mail.reply_to), ("Olá, Ana!\nTudo bem?", &None, &None));
        assert_eq!(played.recording.progress.last(), Some(&(100, "sent".to_owned())));
        assert!(!played.recording.logs.is_empty());
    }

    #[test]
    fn everything_that_was_said_is_in_the_mail() {
        let played = play(json!({
            "email": ["Ana <ana@example.com>", "rui@example.com", "rui@example.com"], "message": "hi",
            "subject": "Greetings", "reply_to": "sales@example.com", "html": "<p>hi</p>",
        }));

        let mail = &played.recording.mails[0];
        assert_eq!(mail.to, ["Ana <ana@example.com>", "rui@example.com"]);
        assert_eq!(mail.subject, "Greetings");
        assert_eq!(mail.reply_to.as_deref(), Some("sales@example.com"));
        assert_eq!(mail.html.as_deref(), Some("<p>hi</p>"));
    }

    #[test]
    fn an_address_that_is_none_fails_for_good_and_nothing_is_sent() {
        for address in
            ["", "ana", "@example.com", "ana@", "a b@example.com", "Ana <ana>", "a@b, c@d", "a@b\r\nBcc: e@f"]
        {
            let played = play(json!({"email": address, "message": "hi"}));
            let error = played.result.expect_err(address);
            assert_eq!(error.kind(), Kind::Permanent);
            assert!(error.message().contains("is not an e-mail address"), "{error}");
            assert!(played.recording.mails.is_empty());
        }
        assert_eq!(failure(json!({"email": [], "message": "hi"}), None).kind(), Kind::Permanent);
    }

    #[test]
    fn only_a_relay_that_is_away_is_tried_again() {
        let payload = || json!({"email": "ana@example.com", "message": "hi"});
        let why = || "because".to_owned();

        assert_eq!(failure(payload(), Some(mail::Error::Invalid(why()))).kind(), Kind::Permanent);
        assert_eq!(failure(payload(), Some(mail::Error::Refused(why()))).kind(), Kind::Permanent);
        assert_eq!(failure(payload(), Some(mail::Error::Unavailable(why()))).kind(), Kind::Retryable);
    }

    #[test]
    fn a_field_that_nobody_knows_is_refused() {
        let error = failure(json!({"email": "ana@example.com", "message": "hi", "bcc": "x"}), None);

        assert!(error.message().contains("unknown field `bcc`"), "{error}");
    }

    #[test]
    fn a_long_first_line_is_cut_at_a_word() {
        let message = "word ".repeat(40);

        let subject = super::subject(None, &message);

        assert_eq!(subject, format!("{} …", "word ".repeat(14).trim_end()));
        assert_eq!(super::subject(None, "\n \n"), "(no subject)");
        assert_eq!(super::subject(Some(" ".to_owned()), "\n hi"), "hi");
        assert_eq!(super::subject(None, &"é".repeat(100)), format!("{} …", "é".repeat(72)));
    }

    #[test]
    fn the_schema_says_what_a_field_is_for() {
        let schema: Value =
            serde_json::from_str(&testing::describe::<send_email>().input_schema).expect("it is JSON");

        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["required"], json!(["email", "message"]));
        for field in ["email", "message", "subject", "reply_to", "html"] {
            assert!(schema["properties"][field]["description"].is_string(), "{field}: {schema}");
        }
    }
}

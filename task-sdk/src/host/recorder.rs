//! In a native build: the capabilities speak with the stand-in of `testing`.

use crate::testing::{File, Handler, Host, with};
use crate::{context, http, log, mail, queue};

/// Natively a secret's name says all.
#[derive(Debug, Clone)]
pub(crate) struct SecretHandle;

pub(crate) fn context() -> context::Job {
    with(|host| host.job.clone())
}

pub(crate) fn cancel_requested() -> bool {
    with(|host| host.cancelled)
}

#[expect(clippy::print_stderr, reason = "the test harness shows it with the test that fails")]
pub(crate) fn log(level: log::Level, message: &str) {
    eprintln!("{level:?}: {message}");
    with(|host| host.recording.logs.push((level, message.to_owned())));
}

pub(crate) fn progress(percent: u8, message: &str) {
    with(|host| host.recording.progress.push((percent, message.to_owned())));
}

pub(crate) fn save_checkpoint(data: &[u8]) -> Result<(), String> {
    with(|host| host.recording.checkpoint = Some(data.to_vec()));
    Ok(())
}

pub(crate) fn load_checkpoint() -> Option<Vec<u8>> {
    with(|host| host.recording.checkpoint.clone())
}

pub(crate) fn config(name: &str) -> Option<String> {
    with(|host| host.config.get(name).cloned())
}

pub(crate) fn write_file(name: &str, media_type: &str, data: &[u8]) -> Result<(), String> {
    if name.is_empty() || name.contains(['/', '\\']) || name.contains(char::is_control) {
        return Err(format!("{name:?} is not a file's name: no folders, no control characters"));
    }
    let file = File { media_type: media_type.to_owned(), data: data.to_vec() };
    with(|host| host.recording.files.insert(name.to_owned(), file));
    Ok(())
}

pub(crate) fn secret(name: &str) -> Result<SecretHandle, String> {
    if with(|host| host.secrets.contains(name)) {
        return Ok(SecretHandle);
    }
    Err(format!("secret {name:?} was not granted: publish with --secret {name}"))
}

pub(crate) fn send_http(request: &http::Request) -> Result<http::Response, http::Error> {
    with(|host| host.recording.requests.push(request.clone()));
    answer(|host| &mut host.http, request)
        .unwrap_or_else(|| Err(http::Error::Denied("nobody answers: see testing::Host::http".to_owned())))
}

pub(crate) fn send_mail(message: &mail::Message) -> Result<String, mail::Error> {
    let number = with(|host| {
        host.recording.mails.push(message.clone());
        host.recording.mails.len()
    });
    answer(|host| &mut host.mail, message).unwrap_or_else(|| Ok(format!("<{number}@recorded.example>")))
}

pub(crate) fn enqueue(job: &queue::Job) -> Result<String, String> {
    with(|host| {
        host.recording.jobs.push(job.clone());
        Ok(format!("00000000-0000-4000-8000-{:012}", host.recording.jobs.len()))
    })
}

/// Asks the test's own handler. It is taken out meanwhile: it may use capabilities itself.
fn answer<Asked, Answer>(
    slot: impl Fn(&mut Host) -> &mut Option<Handler<Asked, Answer>>,
    asked: &Asked,
) -> Option<Answer> {
    let mut handler = with(|host| slot(host).take())?;
    let answer = handler(asked);
    with(|host| *slot(host) = Some(handler));
    Some(answer)
}

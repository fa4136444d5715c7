//! In a component: from the SDK's types to those of `wit/task.wit` and back.

use crate::error::{Kind, TaskError};
use crate::task;
use bindings::exports::jobs::task::guest::Limits;

/// Types and functions generated from `wit/task.wit`: the world `full`. What a component does not use of it is
/// not among its imports: the linker leaves it out.
#[expect(missing_docs, reason = "the WIT has the words")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "full",
        pub_export_macro: true,
        default_bindings_module: "task_sdk::__private::bindings",
        export_macro_name: "export_guest",
    });
}

pub use bindings::export_guest as export;
pub use bindings::exports::jobs::task::guest::{Description, Error, Guest};

/// What a task says of itself, in the contract's words.
#[must_use]
pub fn description(said: task::Description) -> Description {
    let task::Limits { fuel, memory_bytes, timeout } = said.limits;
    Description {
        name: said.name,
        description: said.description,
        input_schema: Some(said.input_schema),
        output_schema: Some(said.output_schema),
        limits: Limits { fuel, memory_bytes, timeout_ms: timeout.map(milliseconds) },
        max_attempts: said.max_attempts,
    }
}

/// How a task ended, in the contract's words.
///
/// # Errors
/// When it failed.
pub fn outcome(result: Result<String, TaskError>) -> Result<String, Error> {
    result.map_err(|error| {
        let message = error.message().to_owned();
        match error.kind() {
            Kind::Retryable => Error::Retryable(message),
            Kind::RetryAfter(wait) => Error::RetryAfter((message, milliseconds(wait))),
            Kind::Permanent => Error::Permanent(message),
        }
    })
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The capabilities.
pub(crate) mod imports {
    use std::rc::Rc;
    use std::time::Duration;

    use super::bindings::jobs::task as wit;
    use super::milliseconds;
    use crate::{context, http, log, mail, queue};

    /// The host's resource; shared, since it is given back when the last one is dropped.
    pub(crate) type SecretHandle = Rc<wit::secrets::Secret>;

    pub(crate) fn context() -> context::Job {
        let wit::context::Job { id, task, namespace, queue, attempt, max_attempts, timeout_ms } =
            wit::context::current();
        let timeout = Duration::from_millis(timeout_ms);
        context::Job { id, task, namespace, queue, attempt, max_attempts, timeout }
    }

    pub(crate) fn cancel_requested() -> bool {
        wit::context::cancel_requested()
    }

    pub(crate) fn log(level: log::Level, message: &str) {
        let level = match level {
            log::Level::Trace => wit::log::Level::Trace,
            log::Level::Debug => wit::log::Level::Debug,
            log::Level::Info => wit::log::Level::Info,
            log::Level::Warn => wit::log::Level::Warn,
            log::Level::Error => wit::log::Level::Error,
        };
        wit::log::write(level, message);
    }

    pub(crate) fn progress(percent: u8, message: &str) {
        wit::progress::report(percent, message);
    }

    pub(crate) fn save_checkpoint(data: &[u8]) -> Result<(), String> {
        wit::checkpoint::save(data)
    }

    pub(crate) fn load_checkpoint() -> Option<Vec<u8>> {
        wit::checkpoint::load()
    }

    pub(crate) fn config(name: &str) -> Option<String> {
        wit::config::get(name)
    }

    pub(crate) fn write_file(name: &str, media_type: &str, data: &[u8]) -> Result<(), String> {
        wit::files::write(name, media_type, data)
    }

    pub(crate) fn secret(name: &str) -> Result<SecretHandle, String> {
        wit::secrets::get(name).map(Rc::new)
    }

    pub(crate) fn send_http(request: &http::Request) -> Result<http::Response, http::Error> {
        let headers = request.headers.iter().map(|(name, value)| {
            let value = match value {
                http::HeaderValue::Text(text) => wit::http::HeaderValue::Text(text.clone()),
                http::HeaderValue::Secret { prefix, secret } => {
                    wit::http::HeaderValue::Secret((prefix.clone(), &secret.handle))
                }
            };
            (name.clone(), value)
        });
        let sent = wit::http::send(&wit::http::Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: headers.collect(),
            body: request.body.clone(),
            timeout_ms: request.timeout.map(milliseconds),
        });
        match sent {
            Ok(wit::http::Response { status, headers, body }) => Ok(http::Response { status, headers, body }),
            Err(wit::http::Error::Denied(why)) => Err(http::Error::Denied(why)),
            Err(wit::http::Error::Limit(why)) => Err(http::Error::Limit(why)),
            Err(wit::http::Error::Invalid(why)) => Err(http::Error::Invalid(why)),
            Err(wit::http::Error::Failed(why)) => Err(http::Error::Failed(why)),
        }
    }

    pub(crate) fn send_mail(message: &mail::Message) -> Result<String, mail::Error> {
        let sent = wit::mail::send(&wit::mail::Message {
            to: message.to.clone(),
            reply_to: message.reply_to.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            html: message.html.clone(),
        });
        sent.map_err(|error| match error {
            wit::mail::Error::Invalid(why) => mail::Error::Invalid(why),
            wit::mail::Error::Refused(why) => mail::Error::Refused(why),
            wit::mail::Error::Unavailable(why) => mail::Error::Unavailable(why),
        })
    }

    pub(crate) fn enqueue(job: &queue::Job) -> Result<String, String> {
        wit::queue::enqueue(&wit::queue::Job {
            task: job.task.clone(),
            payload: job.payload.clone(),
            queue: job.queue.clone(),
            priority: job.priority,
            delay_ms: (!job.delay.is_zero()).then(|| milliseconds(job.delay)),
        })
    }
}

//! Calls a webhook with a JSON body and a token that the task never sees.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use task_sdk::secrets::Secret;
use task_sdk::{TaskError, config, context, http, log, progress, secrets, task};

task_sdk::tasks![call_webhook];

/// The secret that is sent when the configuration names no other.
const SECRET_DEFAULT: &str = "WEBHOOK_TOKEN";

/// How long the other side may take: half of the attempt, so that the failure can still be told.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Most of an answer that becomes the result: receipts are short, and results are kept with the job.
const BODY_BYTES_MAX: usize = 16 << 10;

/// A call to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Call {
    /// Where to: an http or https URL on a host that was granted.
    #[schemars(length(min = 1, max = 8192))]
    url: String,
    /// Any JSON; it is sent as it came, to the last digit.
    #[schemars(with = "Value")]
    body: Box<RawValue>,
    /// How; without it, POST.
    #[serde(default)]
    method: Method,
    /// More headers. `authorization` is not among them: the secret stands there.
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// A method that sends a body.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    /// Tells of something.
    #[default]
    Post,
    /// Puts something in its place.
    Put,
}

/// The other side took it.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Answer {
    /// The status, 200 to 299.
    status: u16,
    /// The beginning of what it said, as text.
    body: String,
    /// Whether it said more than that.
    truncated: bool,
}

/// Calls a webhook: sends JSON to a URL, with a secret of the host's as `Authorization: Bearer …`.
///
/// Needs the grants `--allow-http HOST[:PORT]` and `--secret WEBHOOK_TOKEN`; `--env SECRET=NAME` has it send the
/// secret of another name. A server that is away or busy (408, 425, 429, 5xx) is tried again, not before its
/// Retry-After is over; any other answer but 2xx fails the job for good. Redirects are not followed. Every attempt
/// carries the same Idempotency-Key.
#[task(timeout = "1m", memory = "32MiB")]
fn call_webhook(call: Call) -> Result<Answer, TaskError> {
    let name = config::get("SECRET").unwrap_or_else(|| SECRET_DEFAULT.to_owned());
    let secret = secrets::get(&name)?;
    let request = request(&call, &secret)?;

    let job = context::current();
    let place = place(&call.url);
    log::info!("calling {place} with the secret {name}, attempt {} of {}", job.attempt, job.max_attempts);
    progress::report(20, format_args!("waiting for {place}"));
    let response = request.send().inspect_err(|error| log::error!("{error}"))?;
    log::info!("{place} answered {} with {} bytes", response.status, response.body.len());
    let response = accepted(response)?;
    progress::report(100, "taken");

    let (body, truncated) = beginning(response.text());
    Ok(Answer { status: response.status, body, truncated })
}

fn request(call: &Call, secret: &Secret) -> Result<http::Request, TaskError> {
    let given = |name: &str| call.headers.keys().any(|key| key.eq_ignore_ascii_case(name));
    if given("authorization") {
        return Err(TaskError::permanent("`headers` has `authorization`, where the secret stands"));
    }
    let method = match call.method {
        Method::Post => "POST",
        Method::Put => "PUT",
    };
    let mut request = http::Request::new(method, &call.url)
        .secret_header("authorization", "Bearer ", secret)
        .timeout(ANSWER_PATIENCE)
        .body(call.body.get());
    if !given("content-type") {
        request = request.header("content-type", "application/json");
    }
    Ok(call.headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
}

/// The answer, if it is one of success.
fn accepted(response: http::Response) -> Result<http::Response, TaskError> {
    match response.status {
        200..=299 => Ok(response),
        400.. => response.error_for_status(),
        status => {
            let location = response.header("location").unwrap_or("nowhere");
            Err(TaskError::permanent(format!(
                "status {status}: it leads to {location:?}, and redirects are not followed"
            )))
        }
    }
}

/// Host and port: of a webhook's URL, path and query are often as good as a password, and logs are read by many.
fn place(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_user, host)| host)
}

/// The text, cut between two characters if it is long.
fn beginning(mut text: String) -> (String, bool) {
    let truncated = text.len() > BODY_BYTES_MAX;
    if truncated {
        text.truncate(text.floor_char_boundary(BODY_BYTES_MAX));
    }
    (text, truncated)
}

#[cfg(test)]
mod tests;

//! Outbound HTTP to the hosts that were granted. Redirects are not followed.
//!
//! Using this module makes the component ask for the capability:
//! `jobctl task publish … --allow-http api.example.com`.
//!
//! ```no_run
//! use std::time::Duration;
//! use serde_json::{Value, json};
//! use task_sdk::{TaskError, http, secrets};
//!
//! fn charge(cents: u64) -> Result<String, TaskError> {
//!     let token = secrets::get("BANK_TOKEN")?;
//!     let answer = http::post("https://api.example.com/charges")
//!         .secret_header("authorization", "Bearer ", &token)
//!         .timeout(Duration::from_secs(10))
//!         .json(&json!({ "cents": cents }))?
//!         .send()?
//!         .error_for_status()?; // 429 and 5xx are retryable, other refusals permanent.
//!     let answer: Value = answer.json()?;
//!     Ok(answer["id"].as_str().unwrap_or_default().to_owned())
//! }
//! ```
//!
//! # Requests that are made again
//!
//! An attempt may be repeated after its requests went out: it failed later, or its host was lost before it could say how it
//! ended. So each request carries an `Idempotency-Key`: the job's id and the number of the request within the attempt,
//! from 0, the same in every attempt. A server that knows the header does the work once.
//!
//! Requests are numbered in the order in which they are made, refused ones too. A task has one thread and waits for each answer,
//! so none overtakes another; but the order is the task's own. Where it differs from attempt to attempt (it follows
//! a `HashMap`, a random number or the clock, or an attempt that resumes from a [`checkpoint`](crate::checkpoint) leaves
//! out what is done), the n-th request gets a key that another one had, and a server may answer it with what that one
//! did. Such a task names its requests itself; a key of its own is left as it is:
//!
//! ```no_run
//! use task_sdk::{TaskError, context, http};
//!
//! fn charge(order: u64, cents: u64) -> Result<(), TaskError> {
//!     http::post("https://api.example.com/charges")
//!         .header("idempotency-key", format!("{}-charge-{order}", context::current().id))
//!         .body(cents.to_string())
//!         .send()?
//!         .error_for_status()?;
//!     Ok(())
//! }
//! ```

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::host;
use crate::secrets::Secret;

/// Most of an answer's body that an error message shows, in characters.
const BODY_SHOWN: usize = 200;

/// A request that is being put together.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, HeaderValue)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
}

/// What a header holds.
#[derive(Debug, Clone)]
pub(crate) enum HeaderValue {
    Text(String),
    Secret { prefix: String, secret: Secret },
}

/// What the other side answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The host, the port or the address is not granted.
    #[error("the request is not granted: {0}")]
    Denied(String),
    /// A limit on this one request, such as its time. The limits of the attempt on requests and bytes end it.
    #[error("the request is over a limit: {0}")]
    Limit(String),
    /// The request cannot be made: a bad URL, method or header.
    #[error("the request is malformed: {0}")]
    Invalid(String),
    /// The other side could not be reached or broke off.
    #[error("the request failed: {0}")]
    Failed(String),
}

/// A `GET`.
#[must_use]
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A `POST`.
#[must_use]
pub fn post(url: impl Into<String>) -> Request {
    Request::new("POST", url)
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), HeaderValue::Text(value.into())));
        self
    }

    /// Adds a header whose value is `prefix` and then the secret's.
    #[must_use]
    pub fn secret_header(
        mut self,
        name: impl Into<String>,
        prefix: impl Into<String>,
        secret: &Secret,
    ) -> Self {
        let value = HeaderValue::Secret { prefix: prefix.into(), secret: secret.clone() };
        self.headers.push((name.into(), value));
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The body as JSON, with its content type.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(value)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// How long to wait for the whole answer; without it, until the attempt's own deadline.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// When there is none.
    pub fn send(&self) -> Result<Response, Error> {
        host::send_http(self)
    }
}

/// For tests that look at what would be sent.
#[cfg(not(target_family = "wasm"))]
impl Request {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first header of this name; a secret shows as its name in brackets: `Bearer [BANK_TOKEN]`.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(match value {
            HeaderValue::Text(text) => text.clone(),
            HeaderValue::Secret { prefix, secret } => format!("{prefix}[{}]", secret.name()),
        })
    }

    /// The body.
    #[must_use]
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }
}

impl Response {
    /// An answer with this status and body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The body as text; what is not UTF-8 shows as `�`.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// When it is not JSON, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The answer itself if its status is below 400.
    ///
    /// # Errors
    /// 408, 425, 429 and 5xx are retryable, not before `retry-after` says if it is there in seconds; every other
    /// status is permanent. The message has the status and the beginning of the body.
    pub fn error_for_status(self) -> Result<Self, TaskError> {
        let status = self.status;
        if status < 400 {
            return Ok(self);
        }
        let body: String = self.text().trim().chars().take(BODY_SHOWN).collect();
        let message =
            if body.is_empty() { format!("status {status}") } else { format!("status {status}: {body}") };
        if status < 500 && ![408, 425, 429].contains(&status) {
            return Err(TaskError::permanent(message));
        }
        match self.header("retry-after").and_then(|text| text.trim().parse().ok()) {
            Some(seconds) => Err(TaskError::retry_after(message, Duration::from_secs(seconds))),
            None => Err(TaskError::retryable(message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn refused(status: u16, retry_after: Option<&str>) -> Kind {
        let mut response = Response::new(status, "busy");
        response.headers.extend(retry_after.map(|value| ("retry-after".to_owned(), value.to_owned())));
        let error = response.error_for_status().expect_err("over 400");
        assert_eq!(error.message(), format!("status {status}: busy"));
        error.kind()
    }

    #[test]
    fn a_status_says_whether_trying_again_can_help() {
        assert!(Response::new(204, "").error_for_status().is_ok());
        assert_eq!(refused(404, None), Kind::Permanent);
        assert_eq!(refused(404, Some("5")), Kind::Permanent);
        assert_eq!(refused(503, None), Kind::Retryable);
        assert_eq!(refused(429, Some("120")), Kind::RetryAfter(Duration::from_secs(120)));
        assert_eq!(refused(503, Some("Wed, 21 Oct 2026 07:28:00 GMT")), Kind::Retryable);
    }
}

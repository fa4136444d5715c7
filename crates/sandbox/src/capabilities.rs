//! What a guest can do to the world, as the host lends it for one attempt.
//!
//! The sandbox's gate has checked the grant, counted the call and capped the sizes before any of these is
//! reached, and drops the call when the attempt is stopped. What is left is the effect itself.

use std::time::Duration;

use async_trait::async_trait;
use model::id::JobId;
use model::job::{LogLine, Priority, Progress};
use model::json::Json;
use model::name::{QueueName, TaskName};

/// An e-mail as a guest wants it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailMessage {
    /// Receivers, each `address` or `Name <address>`.
    pub to: Vec<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// Why an e-mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailError {
    /// Malformed.
    Invalid(String),
    /// Refused for good.
    Refused(String),
    /// Try again later.
    Unavailable(String),
}

/// The value of a request's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// As the guest wrote it.
    Text(String),
    /// `prefix` followed by the value of the secret, which only the host knows.
    Secret {
        /// What stands before the value.
        prefix: String,
        /// The secret's name; granted.
        name: String,
    },
}

/// An HTTP request as a guest wants it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The absolute URL; its host and port are granted.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, Header)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the whole answer may take.
    pub timeout: Option<Duration>,
    /// The most bytes of the answer's body.
    pub response_bytes_max: u64,
    /// Stable over attempts: job id and number of the call.
    pub idempotency_key: String,
    /// Whether a grant names the URL's host itself and not by a wildcard: an address that is not public is then meant,
    /// when the URL has one.
    pub host_named: bool,
}

/// The answer to an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers; such as are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why an HTTP request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// Not granted.
    Denied(String),
    /// Over a limit that holds for one call, such as its time.
    Limit(String),
    /// The answer's body is longer than [`HttpRequest::response_bytes_max`]: what is left of the attempt's budget, so
    /// that it ends the attempt.
    OverBudget {
        /// How long it is at least.
        bytes: u64,
    },
    /// Cannot be made.
    Invalid(String),
    /// Could not be reached or broke off.
    Failed(String),
}

/// A job that a guest makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildJob {
    /// The task; granted.
    pub task: TaskName,
    /// Its payload.
    pub payload: Json,
    /// The queue; none: that of the job itself.
    pub queue: Option<QueueName>,
    /// How urgent it is.
    pub priority: Priority,
    /// How long it waits.
    pub delay: Duration,
    /// The number of this call within the attempt, from 0: the n-th call makes the same job every time.
    pub call: u32,
}

/// What the host lends one attempt. Every method may be dropped half-way.
#[async_trait]
pub trait Capabilities: Send + Sync {
    /// Keeps a log line; never waits. Lines over the attempt's limit do not arrive here.
    fn log(&self, line: LogLine);

    /// Keeps the progress; never waits.
    fn progress(&self, progress: Progress);

    /// Whether the attempt may still touch the world: asked before each of the calls below.
    fn lease_held(&self) -> bool;

    /// Saves a checkpoint; durable when it returns. `Err` is told to the guest.
    async fn save_checkpoint(&self, data: Vec<u8>) -> Result<(), String>;

    /// Makes a child job. `Err` is told to the guest.
    async fn enqueue(&self, child: ChildJob) -> Result<JobId, String>;

    /// Sends an e-mail and returns its Message-ID; `call` is the number of the mail within the attempt, from 0.
    async fn send_mail(&self, message: MailMessage, call: u32) -> Result<String, MailError>;

    /// Makes an HTTP request.
    async fn http(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;

    /// Whether the host knows a secret of this name.
    fn has_secret(&self, name: &str) -> bool;
}

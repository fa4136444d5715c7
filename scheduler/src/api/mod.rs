//! The API, which every replica answers: messages in, verbs of the store, messages out.

mod admission;
mod cancel;
mod cancel_many;
mod changes;
mod cluster;
mod enqueue;
mod files;
mod jobs;
mod list;
mod logs;
mod options;
mod publish;
mod retry;
mod schedules;
mod submit;
mod tasks;
mod turns;
mod upload;
mod wait;

use std::sync::Arc;

use futures::stream::BoxStream;
use model::bounds::PAGE_MAX;
use model::clock::Clock;
use model::id::JobId;
use model::limits::Limits;
use model::name::Namespace;
use rpc::{Code, Error};
use sandbox::Sandbox;
use service::Shutdown;
use store::Store;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tonic::Status;

use crate::answer::ask;
use crate::carrier::Bell;
use crate::desk::Desk;
use crate::hosts::Hosts;
use crate::standing::Standing;
use crate::tasks::Tasks;
use crate::waiting::Waiting;
use submit::Submitter;
use turns::{PATIENCE, turn};

/// Digits of a prefix that stands for an id, at the least.
const PREFIX_MIN: usize = 6;

/// Ids that an ambiguous prefix is answered with.
const AMBIGUOUS_SHOWN: u32 = 5;

/// Components inspected at once: each takes a core and up to 3 GiB.
const INSPECTIONS: usize = 2;

/// Components received at once: each takes up to 64 MiB.
const UPLOADS: usize = 8;

/// What a stream of answers is.
type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// What the API is made of.
pub(crate) struct Ingredients {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) bell: Bell,
    pub(crate) desk: Arc<Desk>,
    pub(crate) standing: watch::Receiver<Standing>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) limits_max: Limits,
    pub(crate) version: String,
    pub(crate) shutdown: Shutdown,
}

/// The API.
pub(crate) struct Api {
    store: Arc<dyn Store>,
    sandbox: Arc<Sandbox>,
    clock: Arc<dyn Clock>,
    tasks: Arc<Tasks>,
    waiting: Arc<Waiting>,
    bell: Bell,
    desk: Arc<Desk>,
    standing: watch::Receiver<Standing>,
    limits_max: Limits,
    version: String,
    shutdown: Shutdown,
    submitter: Submitter,
    hosts: Arc<Hosts>,
    schedule_lines: schedules::Lines,
    uploads: Semaphore,
    inspections: Semaphore,
}

impl Api {
    pub(crate) fn new(of: Ingredients) -> Arc<Self> {
        Arc::new(Self {
            submitter: Submitter::start(Arc::clone(&of.store)),
            hosts: of.hosts,
            store: of.store,
            sandbox: of.sandbox,
            clock: of.clock,
            tasks: of.tasks,
            waiting: of.waiting,
            bell: of.bell,
            desk: of.desk,
            standing: of.standing,
            limits_max: of.limits_max,
            version: of.version,
            shutdown: of.shutdown,
            schedule_lines: schedules::Lines::new(),
            uploads: Semaphore::new(UPLOADS),
            inspections: Semaphore::new(INSPECTIONS),
        })
    }

    /// The job that a whole id or a unique prefix stands for; that there is one is known for a prefix only.
    async fn job_id(&self, namespace: &Namespace, text: &str) -> Result<JobId, Error> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let prefix = prefix(text)?;
        let found = ask(self.store.jobs_with_prefix(namespace, &prefix, AMBIGUOUS_SHOWN + 1)).await?;
        match found.as_slice() {
            [] => Err(Error::new(Code::NotFound, format!("job {text} not found"))
                .hint("`jobctl job list` shows the jobs of a namespace; -n names another one")),
            [one] => Ok(*one),
            many => {
                let shown: Vec<String> =
                    many.iter().take(AMBIGUOUS_SHOWN as usize).map(ToString::to_string).collect();
                let more = if many.len() > shown.len() { ", …" } else { "" };
                let message = format!("job id: {text} begins several: {}{more}", shown.join(", "));
                Err(Error::new(Code::Invalid, message).hint("give more of the id"))
            }
        }
    }

    /// A turn at what only some may do at once. Who waits for one when this replica stops need not wait in vain.
    async fn turn<'a>(&self, turns: &'a Semaphore, what: &str) -> Result<SemaphorePermit<'a>, Error> {
        tokio::select! {
            biased;
            turn = turn(turns, what, PATIENCE) => turn,
            () = self.shutdown.draining() => Err(Self::stopping()),
        }
    }

    /// What ends a call that waits when this replica stops.
    fn stopping() -> Error {
        Error::new(Code::Unavailable, "this scheduler is stopping")
            .hint("ask again: another one answers, or this one when it is back")
    }
}

/// A prefix of an id in its usual shape, with dashes.
fn prefix(text: &str) -> Result<String, Error> {
    let digits: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    if digits.len() < PREFIX_MIN || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        let message = format!("job id: {text:?} is neither a UUID nor {PREFIX_MIN} or more digits of one");
        return Err(Error::new(Code::Invalid, message));
    }
    let mut shaped = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            shaped.push('-');
        }
        shaped.push(digit);
    }
    Ok(shaped)
}

/// The namespace of a request; none: `default`.
fn namespace(text: &str) -> Result<Namespace, Error> {
    if text.is_empty() {
        return Ok(Namespace::default());
    }
    Ok(text.parse()?)
}

/// The length of a page; none: 50.
fn page_limit(asked: u32) -> Result<u32, Error> {
    const USUAL: u32 = 50;
    match asked {
        0 => Ok(USUAL),
        1..=PAGE_MAX => Ok(asked),
        _ => Err(Error::new(Code::Invalid, format!("limit: {asked} is more than {PAGE_MAX}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_gets_its_dashes() {
        assert_eq!(prefix("0190ABCDEF12").expect("hexadecimal"), "0190abcd-ef12");
        assert_eq!(prefix("0190ab").expect("six"), "0190ab");
        assert_eq!(prefix("0190abcd-ef12-7").expect("hexadecimal"), "0190abcd-ef12-7");
        for text in ["", "0190a", "0190ag", "nosuchjob"] {
            assert_eq!(prefix(text).expect_err(text).code, Code::Invalid);
        }
    }
}

//! The scripted executor: a job's payload says what its attempt does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use host::Executor;
use model::attempt::{CodeOrigin, Stop, StopReason, Usage};
use model::clock::{Clock, SystemClock};
use model::error::{ErrorKind, Failure};
use model::id::JobId;
use model::job::{LogLevel, LogLine, OutputFile, Priority, Progress};
use model::json::Json;
use model::retry::{Ending, Retry};
use sandbox::{Capabilities, ChildJob, Execution, Invocation, Spent, StopSignal};
use tokio::sync::Semaphore;

/// What every attempt used.
pub(crate) const USAGE: Usage = Usage {
    fuel: Some(1),
    peak_memory_bytes: 2,
    wall_us: 3,
    host_call_us: 4,
    host_calls: 5,
    bytes_in: 6,
    bytes_out: 7,
    code: Some(CodeOrigin::Disk),
    load_us: 8,
};

/// What was executed, and levers.
pub(crate) struct Script {
    /// Attempts that began, in order.
    pub(crate) began: Mutex<Vec<Invocation>>,
    /// Attempts that were stopped, in order, and why.
    pub(crate) stopped: Mutex<Vec<(JobId, StopReason)>>,
    /// What the attempts were lent, in order.
    pub(crate) lent: Mutex<Vec<Arc<dyn Capabilities>>>,
    /// Lets an attempt with `"wait"` or `"ignore"` go on; one permit each.
    pub(crate) gate: Semaphore,
    /// How often it was told to look at the stop signals.
    pub(crate) wakes: AtomicUsize,
    at_once: AtomicUsize,
    /// The most attempts at once.
    pub(crate) most: AtomicUsize,
}

impl Script {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Mutex::default(),
            stopped: Mutex::default(),
            lent: Mutex::default(),
            gate: Semaphore::new(0),
            wakes: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }

    /// How many attempts of the job began.
    pub(crate) fn attempts(&self, job: JobId) -> usize {
        self.began.lock().expect("unpoisoned").iter().filter(|one| one.context.job == job).count()
    }

    /// Why the job's last attempt was stopped.
    pub(crate) fn stop_of(&self, job: JobId) -> Option<StopReason> {
        let stopped = self.stopped.lock().expect("unpoisoned");
        stopped.iter().rev().find(|(of, _)| *of == job).map(|(_, reason)| *reason)
    }

    async fn perform(&self, invocation: &Invocation, lent: &dyn Capabilities, stop: StopSignal) -> Execution {
        let attempt = invocation.context.attempt;
        match invocation.payload.as_str() {
            "\"fail\"" => failed(Retry::Usual),
            "\"fail once\"" if attempt == 1 => failed(Retry::Usual),
            "\"fail for good\"" => failed(Retry::Never),
            "\"panic\"" if attempt == 1 => panic!("as the script says"),
            "\"hang\"" => self.until_stopped(invocation.context.job, stop).await,
            "\"wait\"" => {
                let job = invocation.context.job;
                tokio::select! {
                    stopped = self.until_stopped(job, stop) => stopped,
                    permit = self.gate.acquire() => {
                        permit.expect("open").forget();
                        succeeded()
                    }
                }
            }
            // A guest that tidies up when it sees that its job is to be cancelled.
            "\"tidy\"" => {
                while stop.cancel_requested().is_none() {
                    tokio::task::yield_now().await;
                }
                succeeded()
            }
            // A guest that ended just before it was stopped.
            "\"ignore\"" => {
                self.gate.acquire().await.expect("open").forget();
                succeeded()
            }
            "\"talk\"" => {
                lent.log(line("one"));
                lent.progress(Progress { percent: 10, message: "begun".to_owned() });
                self.gate.acquire().await.expect("open").forget();
                lent.log(line("two"));
                lent.progress(Progress { percent: 90, message: "nearly".to_owned() });
                Execution { files: vec![file()], ..succeeded() }
            }
            "\"save\"" => {
                if attempt == 1 {
                    lent.save_checkpoint(b"half".to_vec()).await.expect("saved");
                    return failed(Retry::Usual);
                }
                assert_eq!(invocation.checkpoint.as_deref(), Some(&b"half"[..]));
                succeeded()
            }
            "\"make child\"" => {
                let made = lent.enqueue(child(invocation, 0)).await.expect("made");
                let again = lent.enqueue(child(invocation, 1)).await.expect("made");
                assert_ne!(made, again);
                if attempt == 1 { failed(Retry::Usual) } else { succeeded() }
            }
            _ => succeeded(),
        }
    }

    async fn until_stopped(&self, job: JobId, mut stop: StopSignal) -> Execution {
        let (reason, since) = stop.wait().await;
        self.stopped.lock().expect("unpoisoned").push((job, reason));
        let ending = match reason {
            StopReason::Cancel => Ending::Cancelled,
            _ => Ending::Released,
        };
        let latency_us = u64::try_from(since.elapsed().as_micros()).expect("short");
        Execution { stop: Some(Stop { reason, latency_us }), result: None, ending, ..succeeded() }
    }
}

#[async_trait]
impl Executor for Script {
    async fn execute(
        &self,
        invocation: Invocation,
        capabilities: Arc<dyn Capabilities>,
        stop: StopSignal,
    ) -> Execution {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.began.lock().expect("unpoisoned").push(invocation.clone());
        self.lent.lock().expect("unpoisoned").push(Arc::clone(&capabilities));
        tokio::task::yield_now().await;
        let execution = self.perform(&invocation, &*capabilities, stop).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        execution
    }

    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }

    fn compiled(&self) -> u64 {
        7
    }
}

fn succeeded() -> Execution {
    Execution {
        ending: Ending::Succeeded,
        result: Some(Json::check("result", b"{\"ok\":true}".to_vec(), 100).expect("JSON")),
        files: Vec::new(),
        usage: USAGE,
        stop: None,
        spent: Spent::default(),
    }
}

fn failed(retry: Retry) -> Execution {
    let failure = Failure::new(ErrorKind::Task, "no luck");
    Execution { ending: Ending::Failed { failure, retry }, result: None, ..succeeded() }
}

fn line(text: &str) -> LogLine {
    LogLine { at: SystemClock.now(), level: LogLevel::Info, text: text.to_owned() }
}

fn file() -> OutputFile {
    OutputFile { name: "a.txt".to_owned(), media_type: "text/plain".to_owned(), bytes: b"abc".to_vec() }
}

fn child(invocation: &Invocation, call: u32) -> ChildJob {
    ChildJob {
        task: invocation.task.clone(),
        payload: Json::check("payload", b"\"succeed\"".to_vec(), 100).expect("JSON"),
        queue: None,
        priority: Priority::default(),
        delay: Duration::ZERO,
        call,
    }
}

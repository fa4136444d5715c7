//! `queue`: child jobs.

use std::sync::Arc;
use std::time::Duration;

use model::bounds::{DELAY_DAYS_MAX, PAYLOAD_BYTES_MAX};
use model::error::Invalid;
use model::grants::Capability;
use model::job::Priority;
use model::json::Json;
use model::name::{QueueName, TaskName};

use crate::bindings::jobs::task::queue;
use crate::capabilities::ChildJob;
use crate::state::State;

impl queue::Host for State {
    async fn enqueue(&mut self, job: queue::Job) -> wasmtime::Result<Result<String, String>> {
        self.gate.pass_outside()?;
        // A refused call is counted too: the n-th call is the same in every attempt, whatever was granted since.
        let call = self.gate.counts.children;
        self.gate.counts.children += 1;
        if !self.gate.grants.may_enqueue(&job.task) {
            let task = &job.task;
            let flag = Capability::Enqueue.flag();
            return Ok(Err(format!("making jobs of {task:?} was not granted: publish with {flag}")));
        }
        let child = match child_of(job, call) {
            Ok(child) => child,
            Err(invalid) => return Ok(Err(invalid.to_string())),
        };
        self.gate.counts.bytes_out += child.payload.as_bytes().len() as u64;
        let capabilities = Arc::clone(&self.gate.capabilities);
        let made = self.gate.timed(capabilities.enqueue(child)).await;
        Ok(made.map(|id| id.to_string()))
    }
}

fn child_of(job: queue::Job, call: u32) -> Result<ChildJob, Invalid> {
    let task: TaskName = job.task.parse()?;
    let payload = Json::check("payload", job.payload.into_bytes(), PAYLOAD_BYTES_MAX)?;
    let queue: Option<QueueName> = job.queue.map(|queue| queue.parse()).transpose()?;
    let priority = job.priority.map(Priority::try_from).transpose()?.unwrap_or_default();
    let delay = Duration::from_millis(job.delay_ms.unwrap_or(0));
    if delay.as_secs() / 86_400 >= DELAY_DAYS_MAX.unsigned_abs() {
        return Err(Invalid::new("delay", format!("at most {DELAY_DAYS_MAX} days, this one is longer")));
    }
    Ok(ChildJob { task, payload, queue, priority, delay, call })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> queue::Job {
        queue::Job {
            task: "report".to_owned(),
            payload: "{}".to_owned(),
            queue: None,
            priority: None,
            delay_ms: None,
        }
    }

    #[test]
    fn a_child_is_checked_as_at_every_other_door() {
        assert!(child_of(job(), 0).is_ok());
        assert!(child_of(queue::Job { payload: "{".to_owned(), ..job() }, 0).is_err());
        assert!(child_of(queue::Job { priority: Some(10), ..job() }, 0).is_err());
        assert!(child_of(queue::Job { delay_ms: Some(u64::MAX), ..job() }, 0).is_err());
        assert!(child_of(queue::Job { queue: Some("a b".to_owned()), ..job() }, 0).is_err());
    }
}

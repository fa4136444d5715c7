//! `jobctl schedule trigger`.

use std::time::Duration;

use model::clock::{Clock, SystemClock};
use model::id::JobId;
use model::schedule::{FireKind, Overlap};
use rpc::v1;

use super::history;
use crate::args::{Format, ScheduleTrigger};
use crate::commands::context::Context;
use crate::commands::wait;
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::schedule::Triggered;

/// How often it is looked whether an instant that waits for a run to end has made its job.
const LOOK: Duration = Duration::from_millis(500);

/// Entries of the history among which an instant is looked for: others may have fired at the same one.
const AMONG: u32 = 20;

/// Fires a schedule now. The job's id is made here, so that a call which is made again stays one job.
pub(super) async fn run(context: Context, trigger: ScheduleTrigger) -> Result {
    let server = context.server().await?;
    let request = v1::TriggerScheduleRequest {
        namespace: context.namespace(),
        name: trigger.name.as_str().to_owned(),
        overlap: trigger.overlap.map(Overlap::as_str).unwrap_or_default().to_owned(),
        id: JobId::generate(SystemClock.now()).to_string(),
    };
    let answer = server
        .call(|mut client| {
            let request = request.clone();
            async move { client.schedules.trigger_schedule(request).await }
        })
        .await?;
    if let Some(why) = why_no_job(&trigger, &answer) {
        context.output.note(&why);
    }
    if trigger.wait {
        return Box::pin(waited(context, &server, &trigger, &answer)).await;
    }
    let id = answer.job.as_ref().map(|job| job.id.clone()).unwrap_or_default();
    context.output.document(&Triggered::from(&answer), |_| id)?;
    Ok(Exit::Done)
}

/// Why there is no job, when there is none.
fn why_no_job(trigger: &ScheduleTrigger, answer: &v1::TriggerScheduleResponse) -> Option<String> {
    let name = &trigger.name;
    match (answer.outcome.as_str(), answer.reason.as_str()) {
        ("fired", _) => None,
        ("queued", _) => Some(format!("schedule {name} runs still: it fires again when that run has ended")),
        (_, "overlap") => Some(format!(
            "schedule {name} did not fire: a run of it still goes (--overlap allow runs beside it)"
        )),
        (_, "queue_full") => {
            Some(format!("schedule {name} did not fire: too many instants wait for a run of it to end"))
        }
        (outcome, reason) => Some(format!("schedule {name} did not fire: {outcome} {reason}")),
    }
}

/// Waits for the job, and before that, when a run still goes on, until there is one.
async fn waited(
    context: Context,
    server: &Server,
    trigger: &ScheduleTrigger,
    answer: &v1::TriggerScheduleResponse,
) -> Result {
    let id = match (&answer.job, answer.outcome.as_str()) {
        (Some(job), _) => Some(job.id.clone()),
        (None, "queued") => fired_later(&context, server, trigger, answer).await?,
        (None, _) => None,
    };
    let Some(id) = id else {
        // Nothing ran: there is nothing that could have failed.
        if context.output.format() != Format::Text {
            context.output.document(&Triggered::from(answer), |_| String::new())?;
        }
        return Ok(Exit::Done);
    };
    if context.output.format() == Format::Text {
        context.output.note(&format!("job {id}"));
    }
    let job = wait::one(&context, server, &id, trigger.wait_timeout).await?;
    wait::conclude(&context, &job)
}

/// The job of an instant that waited for a run to end; none when it was passed over in the end.
async fn fired_later(
    context: &Context,
    server: &Server,
    trigger: &ScheduleTrigger,
    answer: &v1::TriggerScheduleResponse,
) -> Result<Option<String>> {
    let Some(instant) = answer.instant else { return Ok(None) };
    let progress = context.output.progress("waiting");
    progress.say("for a run to end");
    let found = async {
        let before = prost_types::Timestamp { seconds: instant.seconds + 1, ..instant };
        loop {
            let instants = history::page(context, server, &trigger.name, AMONG, Some(before)).await?;
            let of_ours = |one: &&v1::ScheduleInstant| {
                one.instant == Some(instant) && one.kind == FireKind::Trigger.as_str()
            };
            if let Some(one) = instants.iter().find(of_ours) {
                return Ok(Some(one.job.clone()).filter(|job| !job.is_empty()));
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match trigger.wait_timeout {
        None => found.await,
        Some(timeout) => tokio::time::timeout(timeout, found).await.unwrap_or_else(|_| {
            let message = format!("schedule {}: a run of it has not ended in time", trigger.name);
            Err(Error::new(Exit::TimedOut, rpc::Code::Timeout.as_str(), message)
                .hint("it fires when that run has ended; `jobctl schedule history` will tell the job"))
        }),
    }
}

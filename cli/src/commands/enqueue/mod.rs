//! `jobctl enqueue`.

mod batch;
mod line;
mod options;

use model::clock::{Clock, SystemClock};
use model::id::JobId;
use model::json::Json;
use rpc::v1;

use super::context::{Context, ask};
use super::payload;
use super::wait;
use crate::args::{Enqueue, Format};
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::job::Enqueued;

/// Makes a job, or many. All that can be checked here is checked before anybody is asked.
pub(crate) fn run(context: Context, enqueue: Enqueue) -> Result {
    if let Some(path) = &enqueue.batch {
        let lines = batch::open(path)?;
        return batch::run(context, &enqueue, lines);
    }
    let payload = payload::read(enqueue.payload.as_deref())?;
    let options = options::checked(&enqueue.options)?;
    let job = new_job(&enqueue, payload, options::message(&options));
    ask(one(context, enqueue, job))
}

/// A job as it is sent. Its id is made here, so that a call which is made again stays one job.
fn new_job(enqueue: &Enqueue, payload: Json, options: v1::JobOptions) -> v1::NewJob {
    v1::NewJob {
        id: JobId::generate(SystemClock.now()).to_string(),
        payload: payload.into_bytes(),
        options: Some(options),
        task: enqueue.task.to_string(),
    }
}

async fn one(context: Context, enqueue: Enqueue, job: v1::NewJob) -> Result {
    let server = context.server().await?;
    let answer = submit(&context, &server, vec![job]).await?;
    let [job] = answer.as_slice() else {
        return Err(malformed(answer.len(), 1));
    };
    if job.duplicate {
        context.output.note(&format!("job {} has this key already", job.id));
    }
    if !enqueue.wait {
        context.output.document(&Enqueued::from(job), |_| job.id.clone())?;
        return Ok(Exit::Done);
    }
    if context.output.format() == Format::Text {
        context.output.note(&format!("job {}", job.id));
    }
    let job = wait::one(&context, &server, &job.id, enqueue.wait_timeout).await?;
    wait::conclude(&context, &job)
}

/// Stores jobs, all or none.
async fn submit(context: &Context, server: &Server, jobs: Vec<v1::NewJob>) -> Result<Vec<v1::EnqueuedJob>> {
    let request = v1::EnqueueRequest { namespace: context.namespace(), jobs };
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.jobs.enqueue(request).await }
    });
    Ok(answer.await?.jobs)
}

fn malformed(seen: usize, wanted: usize) -> Error {
    Error::new(Exit::Unexpected, "internal", format!("the server answered about {seen} jobs, not {wanted}"))
}

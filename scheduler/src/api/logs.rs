//! Logs: what a job wrote, and with `follow` what it writes until it ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use model::id::JobId;
use model::job::LogLine;
use rpc::{Error, timestamp, v1};
use service::Shutdown;
use store::Store;
use tonic::Status;

use super::{Answers, Api, namespace};
use crate::answer::ask;
use crate::waiting::Waiter;

/// Lines read at once: 8 MiB of the longest.
const LINES_MAX: u32 = 1_000;

/// Between two looks while the job runs. Hosts report lines a few times a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

struct Reader {
    store: Arc<dyn Store>,
    job: JobId,
    after: i64,
    lines: VecDeque<(u32, LogLine)>,
    /// None: only what is there already.
    follow: Option<Waiter>,
    shutdown: Shutdown,
    over: bool,
}

/// The log from its beginning.
pub(super) async fn logs(api: &Api, request: v1::LogsRequest) -> Result<Answers<v1::LogEntry>, Error> {
    let namespace = namespace(&request.namespace)?;
    let job = api.job_id(&namespace, &request.id).await?;
    let follow = request.follow.then(|| api.waiting.register(vec![job]));
    let state = ask(api.store.job(&namespace, job)).await?.state;
    let reader = Reader {
        store: Arc::clone(&api.store),
        job,
        after: 0,
        lines: VecDeque::new(),
        // The last lines of a job are stored with its end: what is read from now on is all.
        follow: follow.filter(|_| !state.is_final()),
        shutdown: api.shutdown.clone(),
        over: false,
    };
    Ok(stream::unfold(reader, next).boxed())
}

async fn next(mut reader: Reader) -> Option<(Result<v1::LogEntry, Status>, Reader)> {
    loop {
        if let Some((attempt, line)) = reader.lines.pop_front() {
            return Some((Ok(entry(attempt, line)), reader));
        }
        if reader.over {
            return None;
        }
        match ask(reader.store.logs(reader.job, reader.after, LINES_MAX)).await {
            Ok((lines, after)) => {
                reader.after = after;
                reader.lines = lines.into();
            }
            Err(error) => {
                reader.over = true;
                return Some((Err(error.into()), reader));
            }
        }
        if !reader.lines.is_empty() {
            continue;
        }
        let Some(waiter) = &mut reader.follow else {
            return None;
        };
        tokio::select! {
            _ = waiter.told() => reader.follow = None,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = reader.shutdown.draining() => {
                reader.over = true;
                return Some((Err(Api::stopping().into()), reader));
            }
        }
    }
}

fn entry(attempt: u32, line: LogLine) -> v1::LogEntry {
    v1::LogEntry {
        attempt,
        at: Some(timestamp(line.at)),
        level: line.level.as_str().to_owned(),
        text: line.text,
    }
}

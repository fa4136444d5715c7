//! `jobctl job logs`.

use std::time::Duration;

use rpc::{Code, v1};

use crate::args::{Follow, Format, TimeStyle};
use crate::commands::context::Context;
use crate::exit::{Exit, Result};
use crate::server::Server;
use crate::show::job::LogEntry;
use crate::show::job_text::log_entry;
use crate::show::time::Times;

/// Before a log that was cut off is asked for again.
const AGAIN: Duration = Duration::from_millis(200);

/// How many entries were printed, and those that wait to be printed as one document.
#[derive(Default)]
struct Printed {
    count: usize,
    kept: Vec<v1::LogEntry>,
}

/// Prints the log; follows it through restarts of the server.
pub(super) async fn run(context: Context, follow: Follow) -> Result {
    let server = context.server().await?;
    let request =
        v1::LogsRequest { namespace: context.namespace(), id: follow.job.id, follow: follow.follow };
    let mut printed = Printed::default();
    while let Some(error) = pass(&context, &server, &request, &mut printed).await? {
        if error.code != Code::Unavailable {
            return Err(error.into());
        }
        context.output.detail(&format!("the log was cut off ({error}); trying again"));
        tokio::time::sleep(AGAIN).await;
    }
    if context.output.format() == Format::Json {
        let entries: Vec<_> = printed.kept.iter().map(LogEntry::from).collect();
        context.output.named("entries", &entries, |_| String::new())?;
    }
    Ok(Exit::Done)
}

/// Reads the log from its beginning, and prints what was not printed before; returns why it was cut off.
async fn pass(
    context: &Context,
    server: &Server,
    request: &v1::LogsRequest,
    printed: &mut Printed,
) -> Result<Option<rpc::Error>> {
    let mut entries = server
        .call(|mut client| {
            let request = request.clone();
            async move { client.jobs.logs(request).await }
        })
        .await?;
    let mut seen = 0;
    loop {
        match entries.message().await {
            Ok(Some(entry)) => {
                seen += 1;
                if seen > printed.count {
                    print(context, entry, printed)?;
                    printed.count = seen;
                }
            }
            Ok(None) => return Ok(None),
            Err(status) => return Ok(Some(server.error(status))),
        }
    }
}

fn print(context: &Context, entry: v1::LogEntry, printed: &mut Printed) -> Result<()> {
    match context.output.format() {
        Format::Text => {
            // In a log the distance between lines matters, so times are exact.
            let times = Times { style: TimeStyle::Iso, ..context.times };
            context.output.text(&log_entry(&context.output.view(), times, &entry))
        }
        Format::Jsonl => context.output.json_line(&LogEntry::from(&entry)),
        Format::Json => {
            printed.kept.push(entry);
            Ok(())
        }
    }
}

//! `jobctl schedule history`.

use model::name::ScheduleName;
use prost_types::Timestamp;
use rpc::v1;

use crate::args::ScheduleHistory;
use crate::commands::context::Context;
use crate::exit::{Exit, Result};
use crate::server::Server;
use crate::show::schedule::Instant;
use crate::show::schedule_text;
use crate::show::time::said_of;

/// Shows what became of a schedule's instants, the latest first.
pub(super) async fn run(context: Context, history: ScheduleHistory) -> Result {
    let server = context.server().await?;
    let before = history.before.map(rpc::timestamp);
    let instants = page(&context, &server, &history.name, history.limit, before).await?;
    let shown: Vec<_> = instants.iter().map(Instant::from).collect();
    context
        .output
        .named("instants", &shown, |view| schedule_text::history(view, context.times, &instants))?;
    let last = instants.last().and_then(|one| said_of(one.instant.as_ref()));
    if let Some(last) = last.filter(|_| instants.len() >= history.limit as usize) {
        context.output.hint(&format!("there may be more: --before {last}"));
    }
    Ok(Exit::Done)
}

/// A page of a schedule's history.
pub(super) async fn page(
    context: &Context,
    server: &Server,
    name: &ScheduleName,
    limit: u32,
    before: Option<Timestamp>,
) -> Result<Vec<v1::ScheduleInstant>> {
    let name = name.as_str().to_owned();
    let request = v1::ScheduleHistoryRequest { namespace: context.namespace(), name, limit, before };
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.schedules.schedule_history(request).await }
    });
    Ok(answer.await?.instants)
}

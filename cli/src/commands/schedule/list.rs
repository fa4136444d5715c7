//! `jobctl schedule list`.

use model::schedule::ScheduleState;
use rpc::v1;

use crate::args::ScheduleList;
use crate::commands::context::Context;
use crate::commands::pages::gather;
use crate::exit::{Exit, Result};
use crate::show::schedule::{Schedule, Schedules};
use crate::show::schedule_text;

/// Lists schedules by name, page by page until there are as many as were asked for.
pub(super) async fn run(context: Context, list: ScheduleList) -> Result {
    let request = v1::ListSchedulesRequest {
        namespace: context.namespace(),
        states: list.states.iter().copied().map(ScheduleState::as_str).map(str::to_owned).collect(),
        task: list.task.as_ref().map(|task| task.as_str().to_owned()).unwrap_or_default(),
        limit: 0,
        cursor: list.cursor.clone().unwrap_or_default(),
    };
    let server = context.server().await?;
    let (schedules, cursor) = gather(list.limit, request.cursor.clone(), async |limit, cursor| {
        let page = v1::ListSchedulesRequest { limit, cursor, ..request.clone() };
        let page = server
            .call(|mut client| {
                let page = page.clone();
                async move { client.schedules.list_schedules(page).await }
            })
            .await?;
        Ok((page.schedules, page.next_cursor))
    })
    .await?;
    let cursor = Some(cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let shown: Vec<_> = schedules.iter().filter_map(Schedule::of).collect();
    let whole = Schedules { schedules: &shown, next_cursor: Some(cursor) };
    context.output.list(&shown, &whole, |view| schedule_text::schedules(view, context.times, &schedules))?;
    if let Some(cursor) = cursor {
        context.output.hint(&format!("there are more: --cursor {cursor}"));
    }
    Ok(Exit::Done)
}

//! `jobctl schedule list`.

use model::bounds::PAGE_MAX;
use model::schedule::ScheduleState;
use rpc::v1;

use crate::args::ScheduleList;
use crate::commands::context::Context;
use crate::exit::{Exit, Result};
use crate::show::schedule::{Schedule, Schedules};
use crate::show::schedule_text;

/// Lists schedules by name, page by page until there are as many as were asked for.
pub(super) async fn run(context: Context, list: ScheduleList) -> Result {
    let mut request = v1::ListSchedulesRequest {
        namespace: context.namespace(),
        states: list.states.iter().copied().map(ScheduleState::as_str).map(str::to_owned).collect(),
        task: list.task.as_ref().map(|task| task.as_str().to_owned()).unwrap_or_default(),
        limit: 0,
        cursor: list.cursor.clone().unwrap_or_default(),
    };
    let server = context.server().await?;
    let mut schedules: Vec<v1::Schedule> = Vec::new();
    loop {
        let left = list.limit.saturating_sub(u32::try_from(schedules.len()).unwrap_or(u32::MAX));
        request.limit = left.min(PAGE_MAX);
        let page = server
            .call(|mut client| {
                let request = request.clone();
                async move { client.schedules.list_schedules(request).await }
            })
            .await?;
        let is_empty = page.schedules.is_empty();
        schedules.extend(page.schedules);
        request.cursor = page.next_cursor;
        if request.cursor.is_empty() || is_empty || schedules.len() >= list.limit as usize {
            break;
        }
    }
    let cursor = Some(request.cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let shown: Vec<_> = schedules.iter().filter_map(Schedule::of).collect();
    let whole = Schedules { schedules: &shown, next_cursor: Some(cursor) };
    context.output.list(&shown, &whole, |view| schedule_text::schedules(view, context.times, &schedules))?;
    if let Some(cursor) = cursor {
        context.output.hint(&format!("there are more: --cursor {cursor}"));
    }
    Ok(Exit::Done)
}

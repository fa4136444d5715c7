//! `jobctl schedule …`.

mod backfill;
mod create;
mod history;
mod list;
mod many;
mod preview;
mod spec;
mod told;
mod trigger;
mod update;

use model::name::ScheduleName;
use rpc::v1;

use super::context::Context;
use crate::args::{ScheduleCommand, ScheduleShow};
use crate::exit::{Exit, Result};
use crate::server::Server;
use crate::show::schedule::Schedule;
use crate::show::schedule_text;

/// Does what was asked.
pub(crate) async fn run(context: Context, command: ScheduleCommand) -> Result {
    match command {
        ScheduleCommand::Create(create) => Box::pin(create::run(context, *create)).await,
        ScheduleCommand::List(list) => Box::pin(list::run(context, list)).await,
        ScheduleCommand::Show(show) => Box::pin(self::show(context, show)).await,
        ScheduleCommand::Update(update) => Box::pin(update::run(context, *update)).await,
        ScheduleCommand::Pause(names) => Box::pin(many::run(context, names, many::Verb::Pause)).await,
        ScheduleCommand::Resume(names) => Box::pin(many::run(context, names, many::Verb::Resume)).await,
        ScheduleCommand::Delete(names) => Box::pin(many::run(context, names, many::Verb::Delete)).await,
        ScheduleCommand::Trigger(trigger) => Box::pin(trigger::run(context, trigger)).await,
        ScheduleCommand::Preview(preview) => Box::pin(preview::run(context, preview)).await,
        ScheduleCommand::Backfill(backfill) => Box::pin(backfill::run(context, backfill)).await,
        ScheduleCommand::History(history) => Box::pin(history::run(context, history)).await,
    }
}

/// A schedule as it stands now, with so many instants to come.
async fn get(context: &Context, server: &Server, name: &ScheduleName, upcoming: u32) -> Result<v1::Schedule> {
    let name = name.as_str().to_owned();
    let request = v1::GetScheduleRequest { namespace: context.namespace(), name, upcoming };
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.schedules.get_schedule(request).await }
    });
    Ok(answer.await?)
}

async fn show(context: Context, show: ScheduleShow) -> Result {
    let server = context.server().await?;
    let schedule = get(&context, &server, &show.name, show.upcoming).await?;
    let told = told::of(&schedule, context.times.now);
    let view = Schedule::of(&schedule).ok_or_else(spec::malformed)?;
    context.output.document(&view, |view| schedule_text::schedule(view, context.times, &schedule, &told))?;
    if let Some(hint) = schedule_text::what_to_do(&schedule) {
        context.output.hint(&hint);
    }
    Ok(Exit::Done)
}

/// Prints a schedule that was made or changed.
fn conclude(context: &Context, schedule: &v1::Schedule, deed: &str, unchanged: bool) -> Result {
    let told = told::of(schedule, context.times.now).first(3);
    let view = Schedule::of(schedule).ok_or_else(spec::malformed)?.unchanged(unchanged);
    let head = match unchanged {
        true => format!("schedule {} is unchanged", schedule.name),
        false => format!("{deed} schedule {}", schedule.name),
    };
    context
        .output
        .document(&view, |view| schedule_text::made(view, context.times, &head, schedule, &told))?;
    if let Some(hint) = schedule_text::what_to_do(schedule) {
        context.output.hint(&hint);
    }
    Ok(Exit::Done)
}

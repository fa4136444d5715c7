//! `jobctl schedule preview`: when an expression or a schedule fires. An expression is worked out here; of a schedule
//! the server tells what it is.

use chrono::{DateTime, TimeDelta, Utc};
use model::name::ScheduleName;
use model::schedule::ScheduleSpec;
use recurrence::{Anomaly, Recurrence, Zone};
use rpc::{Code, v1};

use super::{get, spec};
use crate::args::SchedulePreview;
use crate::commands::context::Context;
use crate::exit::{Error, Exit, Result};
use crate::show::schedule_fires::Told;

/// What a schedule is called while it is only tried out.
const TASK: &str = "preview";

/// Says when it fires.
pub(super) async fn run(context: Context, preview: SchedulePreview) -> Result {
    let now = context.times.now;
    let mut spec = match preview.what.parse::<ScheduleName>() {
        Ok(name) => of_schedule(&context, &name).await?,
        // No name of a schedule has a space, `*` or `@`.
        Err(_) => {
            recurrence::timing(&preview.what, now)?;
            let cron = preview.what.clone();
            v1::ScheduleSpec { task: TASK.to_owned(), cron, ..v1::ScheduleSpec::default() }
        }
    };
    if let Some(timezone) = &preview.timezone {
        spec.timezone.clone_from(timezone);
    }
    spec::set_dst(&mut spec, preview.dst);
    let from = preview.from.unwrap_or(now);
    let told = told(&spec::read(&spec, from)?, &preview, from)?;
    context.output.document(&told.preview(), |view| told.text(view, context.times))?;
    Ok(Exit::Done)
}

async fn of_schedule(context: &Context, name: &ScheduleName) -> Result<v1::ScheduleSpec> {
    let schedule = async { get(context, &context.server().await?, name, 1).await };
    let schedule = schedule.await.map_err(|error| match &error {
        _ if recurrence::timing(&format!("@{name}"), context.times.now).is_ok() => {
            error.hint(format!("the expression is written @{name}"))
        }
        Error::Shown(shown) if shown.code == Code::NotFound.as_str() => error.hint(
            "an expression, which needs no server, is one argument in quotes, as in '30 7 * * 1-5' or @daily",
        ),
        _ => error,
    })?;
    schedule.spec.ok_or_else(spec::malformed)
}

fn told(spec: &ScheduleSpec, preview: &SchedulePreview, from: DateTime<Utc>) -> Result<Told> {
    let recurrence = Recurrence::of(spec)?;
    let zone = Zone::named(&spec.timezone).unwrap_or_else(Zone::utc);
    let (fires, anomalies) = match preview.year {
        Some(year) => {
            let begins = |year| zone.year(year).ok_or_else(|| Error::usage("year: is outside the calendar"));
            (Vec::new(), recurrence.anomalies(begins(year)?, begins(year + 1)?))
        }
        None => {
            let count = usize::try_from(preview.count).unwrap_or(usize::MAX);
            let fires: Vec<_> = recurrence.between(from, DateTime::<Utc>::MAX_UTC).take(count).collect();
            let anomalies = among(&recurrence, from, &fires);
            (fires, anomalies)
        }
    };
    Ok(Told {
        timezone: spec.timezone.clone(),
        zone,
        description: recurrence.describe(),
        fires,
        anomalies,
        year: preview.year,
    })
}

/// The days on which clocks change from `from` to the last of `fires`.
fn among(recurrence: &Recurrence, from: DateTime<Utc>, fires: &[DateTime<Utc>]) -> Vec<Anomaly> {
    let Some(last) = fires.last() else { return Vec::new() };
    // An overlap is told by its end, which comes after the first of its instants.
    let Some(before) = last.checked_add_signed(TimeDelta::days(1)) else { return Vec::new() };
    let mut anomalies = recurrence.anomalies(from, before);
    anomalies.retain(|anomaly| anomaly.change_at <= *last || anomaly.fires.iter().any(|at| at <= last));
    anomalies
}

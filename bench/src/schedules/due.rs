//! Many schedules that are due in one and the same second.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use rpc::v1;
use serde::Serialize;

use super::making::{Made, told, usual};
use super::{IN_FLIGHT, Setting};
use crate::Percentiles;

/// The most that a job may be made later than its instant, in milliseconds.
pub(super) const GOAL_MS: f64 = 2_000.0;

/// From now to the instant: as long as the changes take, several times over.
const AHEAD: TimeDelta = TimeDelta::seconds(30);

/// How long before the instant the last change must be made, so that the second is met at rest.
const REST: TimeDelta = TimeDelta::seconds(3);

/// How long the jobs may take to be made and to end before something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(500);

/// What became of them.
#[derive(Debug, Clone, Serialize)]
pub struct Due {
    /// How many there were.
    pub schedules: usize,
    /// How many there were besides that were not due.
    pub others: usize,
    /// How many jobs were made before their instant.
    pub early: usize,
    /// From the instant until the transaction that made the job began, by the database's clock, in milliseconds.
    pub fired_ms: Percentiles,
    /// From the instant until a host had the job.
    pub begun_ms: Percentiles,
    /// From the instant until the end of the job was recorded.
    pub ended_ms: Percentiles,
    /// Whether each was made in time.
    pub met: bool,
}

/// Changes `count` of the schedules so that they are due in one second, half of them by a cron expression and half of them
/// once, and tells how late their jobs were made.
///
/// # Errors
/// When a change is refused or comes too late, or an instant does not have exactly one job.
pub async fn due_at_once(setting: &Setting, made: &[Made], count: usize) -> Result<Due> {
    let at = second(now(setting).await? + AHEAD)?;
    let apart = (made.len() / count).max(1);
    let chosen: Vec<_> = made.iter().step_by(apart).take(count).collect();
    ensure!(chosen.len() == count, "{count} of {} schedules cannot be due", made.len());
    let changes =
        chosen.into_iter().enumerate().map(|(number, one)| change(setting.client.clone(), one, number, at));
    let () = futures::stream::iter(changes).buffer_unordered(IN_FLIGHT).try_collect().await?;
    let left = at - now(setting).await?;
    ensure!(left > REST, "the changes took too long: {} ms are left", left.num_milliseconds());
    let late = ended(setting, at, count).await?;
    let column = |column: usize| {
        let values = late.iter().map(|row| row[column]).collect();
        Percentiles::of(values).context("nothing was due")
    };
    let (fired_ms, begun_ms, ended_ms) = (column(0)?, column(1)?, column(2)?);
    let early = late.iter().filter(|row| row[0] < 0.0).count();
    let met = early == 0 && fired_ms.max <= GOAL_MS;
    Ok(Due { schedules: count, others: made.len() - count, early, fired_ms, begun_ms, ended_ms, met })
}

/// The database's present instant.
pub(super) async fn now(setting: &Setting) -> Result<DateTime<Utc>> {
    let rows = setting.query("select (extract(epoch from clock_timestamp()) * 1000000)::bigint").await?;
    let micros = rows.first().context("the database tells no time")?.parse()?;
    DateTime::from_timestamp_micros(micros).context("the database tells no time")
}

fn second(at: DateTime<Utc>) -> Result<DateTime<Utc>> {
    at.with_nanosecond(0).context("every time has a whole second")
}

async fn change(client: rpc::Client, made: &Made, number: usize, at: DateTime<Utc>) -> Result<()> {
    let spec = if number.is_multiple_of(2) {
        v1::ScheduleSpec { at: Some(rpc::timestamp(at)), ..usual() }
    } else {
        let (second, minute, hour) = (at.second(), at.minute(), at.hour());
        let cron = format!("{second} {minute} {hour} {} {} *", at.day(), at.month());
        v1::ScheduleSpec { cron, ..usual() }
    };
    let request = v1::UpdateScheduleRequest {
        namespace: "default".to_owned(),
        name: made.name.clone(),
        spec: Some(spec),
        seq: made.seq,
        ..v1::UpdateScheduleRequest::default()
    };
    let changed = client.schedules.clone().update_schedule(request).await;
    changed.map_err(|status| told(&made.name, status))?;
    Ok(())
}

/// Waits until the jobs of the instant have ended, and tells of each how late it was made, begun and ended, in milliseconds.
async fn ended(setting: &Setting, at: DateTime<Utc>, count: usize) -> Result<Vec<[f64; 3]>> {
    let sql = format!(
        "select extract(epoch from f.fired_at - f.instant) * 1000,
                extract(epoch from a.started_at - f.instant) * 1000,
                extract(epoch from a.finished_at - f.instant) * 1000
         from schedule_fires f
         join attempts a on a.job_id = f.job_id and a.number = 1
         where f.instant = to_timestamp({})",
        at.timestamp()
    );
    let deadline = Instant::now() + PATIENCE;
    let rows = loop {
        tokio::time::sleep(LOOK).await;
        if now(setting).await? < at {
            continue;
        }
        let rows = setting.query(&sql).await?;
        if rows.len() >= count {
            break rows;
        }
        ensure!(Instant::now() < deadline, "{} of {count} jobs have ended", rows.len());
    };
    ensure!(rows.len() == count, "{count} instants have {} jobs", rows.len());
    rows.iter().map(|row| numbers(row)).collect()
}

fn numbers(row: &str) -> Result<[f64; 3]> {
    let numbers: Vec<f64> = row.split('|').map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| anyhow::anyhow!("{row:?} has not three columns"))
}

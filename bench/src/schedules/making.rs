//! Schedules of every kind, made through the API, so far ahead that none is due while anything is measured.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use rpc::v1;
use serde::Serialize;
use tonic::Status;

use super::IN_FLIGHT;
use crate::Percentiles;

/// Zones that cron expressions are read in, some with daylight saving on either half of the globe, one with half an hour.
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Lisbon",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Africa/Cairo",
];

/// How fast schedules were made.
#[derive(Debug, Clone, Serialize)]
pub struct Making {
    /// How many.
    pub schedules: usize,
    /// Calls at once.
    pub in_flight: usize,
    /// How long all of it took, in seconds.
    pub seconds: f64,
    /// How many a second.
    pub per_second: f64,
    /// Each call, in milliseconds.
    pub took_ms: Percentiles,
}

/// A schedule that was made: what a change of it has to name.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Which change of it this is.
    pub seq: i64,
}

/// Makes so many schedules of the task `echo`.
///
/// # Errors
/// When one is refused.
pub async fn make(client: &rpc::Client, count: usize, now: DateTime<Utc>) -> Result<(Vec<Made>, Making)> {
    let began = Instant::now();
    let calls = (0..count).map(|number| make_one(client.clone(), number, now));
    let made: Vec<_> = futures::stream::iter(calls).buffer_unordered(IN_FLIGHT).try_collect().await?;
    let seconds = began.elapsed().as_secs_f64();
    let (mut made, took): (Vec<Made>, Vec<f64>) = made.into_iter().unzip();
    made.sort_by(|one, other| one.name.cmp(&other.name));
    let per_second = f64::from(u32::try_from(count)?) / seconds;
    let took_ms = Percentiles::of(took).context("nothing was made")?;
    Ok((made, Making { schedules: count, in_flight: IN_FLIGHT, seconds, per_second, took_ms }))
}

async fn make_one(client: rpc::Client, number: usize, now: DateTime<Utc>) -> Result<(Made, f64)> {
    let name = name(number);
    let request = v1::CreateScheduleRequest {
        namespace: "default".to_owned(),
        name: name.clone(),
        spec: Some(far_ahead(number, now)),
        paused: false,
    };
    let began = Instant::now();
    let answer =
        client.schedules.clone().create_schedule(request).await.map_err(|status| told(&name, status))?;
    let took_ms = began.elapsed().as_secs_f64() * 1_000.0;
    let schedule = answer.into_inner().schedule.context("the answer names no schedule")?;
    ensure!(schedule.state == "active", "{name} is {}", schedule.state);
    Ok((Made { name, seq: schedule.seq }, took_ms))
}

/// Names in the order of their numbers.
pub(super) fn name(number: usize) -> String {
    format!("schedule-{number:06}")
}

pub(super) fn told(name: &str, status: Status) -> anyhow::Error {
    anyhow::anyhow!("{name}: {}", rpc::Error::from(status))
}

/// Of each kind a quarter: daily in UTC, half a day from now; yearly, half a year from now, in many zones; monthly, counted
/// from now; and once.
fn far_ahead(number: usize, now: DateTime<Utc>) -> v1::ScheduleSpec {
    let some = u32::try_from(number / 4).unwrap_or(u32::MAX);
    let (minute, second) = (some % 60, some / 60 % 60);
    let usual = usual();
    match number % 4 {
        0 => {
            let hour = (now.hour() + 11 + some % 3) % 24;
            v1::ScheduleSpec { cron: format!("{second} {minute} {hour} * * *"), ..usual }
        }
        1 => {
            let (day, month) = (1 + some % 28, (now.month0() + 6) % 12 + 1);
            let timezone = ZONES[number / 4 % ZONES.len()].to_owned();
            v1::ScheduleSpec { cron: format!("{minute} 9 {day} {month} *"), timezone, ..usual }
        }
        2 => v1::ScheduleSpec { every_ms: Some(30 * 24 * 60 * 60 * 1_000), ..usual },
        _ => {
            let at = now + TimeDelta::days(30) + TimeDelta::seconds(i64::from(some));
            v1::ScheduleSpec { at: Some(rpc::timestamp(at)), ..usual }
        }
    }
}

/// What all of them have.
pub(super) fn usual() -> v1::ScheduleSpec {
    v1::ScheduleSpec {
        task: "echo".to_owned(),
        payload: br#"{"at": "{{scheduled_for}}"}"#.to_vec(),
        ..v1::ScheduleSpec::default()
    }
}

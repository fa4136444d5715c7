//! What a schedule is: from flags to what travels, and from what travels to what a calendar can be asked about.

use chrono::{DateTime, Utc};
use model::json::Json;
use model::schedule::{MISSED_AFTER_MS_DEFAULT, RunOptions, ScheduleSpec, Timing};
use model::units::millis;
use rpc::v1;

use crate::args::{DstFlags, PolicyFlags, RunFlags, ScheduleCreate, ScheduleUpdate, TimingFlags, Unset};
use crate::exit::{Error, Result};

/// The schedule that `flags` mean, checked as far as that can be done without a server.
pub(super) fn made(flags: &ScheduleCreate, payload: Json, now: DateTime<Utc>) -> Result<v1::ScheduleSpec> {
    let mut spec = v1::ScheduleSpec {
        task: flags.task.to_string(),
        starts_at: flags.start.map(rpc::timestamp),
        ends_at: flags.end.map(rpc::timestamp),
        payload: payload.into_bytes(),
        note: flags.note.clone().unwrap_or_default(),
        ..v1::ScheduleSpec::default()
    };
    set_timing(&mut spec, &flags.timing, now)?;
    set_policies(&mut spec, &flags.policies);
    set_run(spec.options.get_or_insert_default(), &flags.run)?;
    read(&spec, now)?.check()?;
    Ok(spec)
}

/// What `flags` make of a schedule. Its anchor is left to the server, which keeps it with the same period.
pub(super) fn changed(
    looked_at: &v1::ScheduleSpec,
    flags: &ScheduleUpdate,
    payload: Option<&Json>,
    now: DateTime<Utc>,
) -> Result<v1::ScheduleSpec> {
    let mut spec = v1::ScheduleSpec { anchor: None, ..looked_at.clone() };
    if let Some(task) = &flags.task {
        spec.task = task.to_string();
    }
    if let Some(start) = flags.start {
        spec.starts_at = start.0.map(rpc::timestamp);
    }
    if let Some(end) = flags.end {
        spec.ends_at = end.0.map(rpc::timestamp);
    }
    if let Some(payload) = payload {
        spec.payload = payload.as_bytes().to_vec();
    }
    if let Some(note) = &flags.note {
        spec.note.clone_from(note);
    }
    set_timing(&mut spec, &flags.timing, now)?;
    set_policies(&mut spec, &flags.policies);
    let options = spec.options.get_or_insert_default();
    for what in &flags.unset {
        unset(options, *what);
    }
    set_run(options, &flags.run)?;
    read(&spec, now)?.check()?;
    Ok(spec)
}

/// Sets when. One of the three takes the place of whichever was there.
fn set_timing(spec: &mut v1::ScheduleSpec, flags: &TimingFlags, now: DateTime<Utc>) -> Result<()> {
    if flags.cron.is_some() || flags.every.is_some() || flags.at.is_some() {
        spec.cron = flags.cron.clone().unwrap_or_default();
        spec.every_ms = flags.every.map(millis);
        spec.at = flags.at.map(rpc::timestamp);
    }
    if let Some(timezone) = &flags.timezone {
        spec.timezone.clone_from(timezone);
    }
    if let Some(cron) = &flags.cron {
        // An empty one, too, is refused with its name: as it travels it would be none at all.
        recurrence::timing(cron, now)?;
    }
    Ok(())
}

fn set_policies(spec: &mut v1::ScheduleSpec, flags: &PolicyFlags) {
    if let Some(overlap) = flags.overlap {
        overlap.as_str().clone_into(&mut spec.overlap);
    }
    if let Some(missed) = flags.missed {
        missed.as_str().clone_into(&mut spec.missed);
    }
    if let Some(after) = flags.missed_after {
        spec.missed_after_ms = Some(millis(after));
    }
    if let Some(jitter) = flags.jitter {
        spec.jitter_ms = millis(jitter);
    }
    set_dst(spec, flags.dst);
}

/// Sets what daylight saving does.
pub(super) fn set_dst(spec: &mut v1::ScheduleSpec, flags: DstFlags) {
    if let Some(gap) = flags.dst_gap {
        gap.as_str().clone_into(&mut spec.dst_gap);
    }
    if let Some(overlap) = flags.dst_overlap {
        overlap.as_str().clone_into(&mut spec.dst_overlap);
    }
}

fn set_run(options: &mut v1::JobOptions, flags: &RunFlags) -> Result<()> {
    if let Some(queue) = &flags.queue {
        queue.as_str().clone_into(&mut options.queue);
    }
    if let Some(priority) = flags.priority {
        options.priority = priority.into();
    }
    if let Some(attempts) = flags.max_attempts {
        options.max_attempts = attempts;
    }
    if let Some(expires_in) = flags.expires_in {
        options.expires_in_ms = Some(millis(expires_in));
    }
    if !flags.tags.is_empty() {
        options.tags = flags.tags.iter().cloned().collect();
    }
    let limits = flags.limits.checked()?;
    if !limits.is_empty() {
        options.limits = Some(over(limits.into(), options.limits.unwrap_or_default()));
    }
    Ok(())
}

/// These limits, and of `others` what these do not say.
fn over(limits: v1::LimitOverrides, others: v1::LimitOverrides) -> v1::LimitOverrides {
    let says_fuel = limits.fuel.is_some() || limits.fuel_unlimited;
    let of_fuel = if says_fuel { limits } else { others };
    v1::LimitOverrides {
        fuel: of_fuel.fuel,
        fuel_unlimited: of_fuel.fuel_unlimited,
        memory_bytes: limits.memory_bytes.or(others.memory_bytes),
        table_elements: limits.table_elements.or(others.table_elements),
        timeout_ms: limits.timeout_ms.or(others.timeout_ms),
        output_bytes: limits.output_bytes.or(others.output_bytes),
        log_bytes: limits.log_bytes.or(others.log_bytes),
        file_bytes: limits.file_bytes.or(others.file_bytes),
        host_calls: limits.host_calls.or(others.host_calls),
        http_requests: limits.http_requests.or(others.http_requests),
        http_bytes: limits.http_bytes.or(others.http_bytes),
    }
}

fn unset(options: &mut v1::JobOptions, what: Unset) {
    match what {
        Unset::Tags => options.tags.clear(),
        Unset::Limits => options.limits = None,
        Unset::MaxAttempts => options.max_attempts = 0,
        Unset::ExpiresIn => options.expires_in_ms = None,
    }
}

/// A schedule as a calendar reads it: what is absent is as usual, and a period without an anchor is counted from its
/// start, or from `now`.
pub(super) fn read(spec: &v1::ScheduleSpec, now: DateTime<Utc>) -> Result<ScheduleSpec> {
    let instant =
        |field, at: Option<prost_types::Timestamp>| at.map(|at| rpc::instant(field, at)).transpose();
    let starts_at = instant("start", spec.starts_at)?;
    let anchor = instant("anchor", spec.anchor)?.or(starts_at).unwrap_or(now);
    let timing = match (instant("at", spec.at)?, spec.every_ms) {
        (Some(at), _) => Timing::At(at),
        (None, Some(period_ms)) => Timing::Every { period_ms, anchor },
        (None, None) => recurrence::timing(&spec.cron, anchor)?,
    };
    let usual = ScheduleSpec::new(spec.task.parse()?, timing);
    Ok(ScheduleSpec {
        timezone: some(&spec.timezone).map_or(usual.timezone, str::to_owned),
        dst_gap: some(&spec.dst_gap).map_or(Ok(usual.dst_gap), str::parse)?,
        dst_overlap: some(&spec.dst_overlap).map_or(Ok(usual.dst_overlap), str::parse)?,
        missed: some(&spec.missed).map_or(Ok(usual.missed), str::parse)?,
        missed_after_ms: spec.missed_after_ms.unwrap_or(MISSED_AFTER_MS_DEFAULT),
        overlap: some(&spec.overlap).map_or(Ok(usual.overlap), str::parse)?,
        jitter_ms: spec.jitter_ms,
        starts_at,
        ends_at: instant("end", spec.ends_at)?,
        run: spec.options.as_ref().map(run_options).transpose()?.unwrap_or_default(),
        note: spec.note.clone(),
        ..usual
    })
}

fn run_options(options: &v1::JobOptions) -> Result<RunOptions> {
    let usual = RunOptions::default();
    let priority = u8::try_from(options.priority).unwrap_or(u8::MAX);
    Ok(RunOptions {
        queue: some(&options.queue).map_or(Ok(usual.queue), str::parse)?,
        priority: if priority == 0 { usual.priority } else { priority.try_into()? },
        max_attempts: Some(options.max_attempts).filter(|attempts| *attempts > 0),
        limits: options.limits.map(TryInto::try_into).transpose()?.unwrap_or_default(),
        expires_in_ms: options.expires_in_ms,
        tags: options.tags.clone().into_iter().collect(),
    })
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// What is wrong with an answer that says nothing of what a schedule is.
pub(super) fn malformed() -> Error {
    Error::new(crate::exit::Exit::Unexpected, "internal", "the server's answer has no schedule in it")
}

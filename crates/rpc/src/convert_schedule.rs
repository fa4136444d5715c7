//! Schedules as messages. What only a calendar tells, as the instants to come, is left to whoever has one.

use model::json::Json;
use model::schedule::{Fate, RunOptions, Schedule, ScheduleSpec, ScheduleState, Skip, Timing};

use crate::convert::timestamp;
use crate::v1;

impl From<RunOptions> for v1::JobOptions {
    fn from(run: RunOptions) -> Self {
        Self {
            queue: run.queue.into(),
            priority: run.priority.get().into(),
            max_attempts: run.max_attempts.unwrap_or(0),
            limits: Some(run.limits).filter(|limits| !limits.is_empty()).map(Into::into),
            expires_in_ms: run.expires_in_ms,
            tags: run.tags.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What a schedule is, and what its task gets, as a message.
#[must_use]
pub fn schedule_spec(spec: ScheduleSpec, payload: Json) -> v1::ScheduleSpec {
    let mut message = v1::ScheduleSpec {
        task: spec.task.to_string(),
        timezone: spec.timezone,
        dst_gap: spec.dst_gap.as_str().to_owned(),
        dst_overlap: spec.dst_overlap.as_str().to_owned(),
        missed: spec.missed.as_str().to_owned(),
        missed_after_ms: Some(spec.missed_after_ms),
        overlap: spec.overlap.as_str().to_owned(),
        jitter_ms: spec.jitter_ms,
        starts_at: spec.starts_at.map(timestamp),
        ends_at: spec.ends_at.map(timestamp),
        payload: payload.into_bytes(),
        options: Some(spec.run.into()),
        note: spec.note,
        ..v1::ScheduleSpec::default()
    };
    match spec.timing {
        Timing::Cron(expression) => message.cron = expression,
        Timing::Every { period_ms, anchor } => {
            message.every_ms = Some(period_ms);
            message.anchor = Some(timestamp(anchor));
        }
        Timing::At(at) => message.at = Some(timestamp(at)),
    }
    message
}

impl From<Schedule> for v1::Schedule {
    /// Without its description and the instants to come.
    fn from(schedule: Schedule) -> Self {
        let standing = schedule.standing;
        // Of one that does not fire it is the first that it does not fire at.
        let next_at = standing.next_at.filter(|_| standing.state == ScheduleState::Active);
        Self {
            name: schedule.name.into(),
            namespace: schedule.namespace.into(),
            spec: Some(schedule_spec(schedule.spec, schedule.payload)),
            seq: schedule.seq,
            state: standing.state.as_str().to_owned(),
            reason: standing.reason.unwrap_or_default(),
            description: String::new(),
            next_at: next_at.map(timestamp),
            last_at: schedule.last.map(|last| timestamp(last.instant)),
            last_job: schedule.last.map(|last| last.job.to_string()).unwrap_or_default(),
            created_at: Some(timestamp(schedule.created_at)),
            updated_at: Some(timestamp(schedule.updated_at)),
            upcoming: Vec::new(),
            open_jobs: standing.open.iter().map(ToString::to_string).collect(),
            // They are bounded by a hundred.
            pending: u32::try_from(standing.pending.len()).unwrap_or(u32::MAX),
        }
    }
}

impl From<Fate> for v1::ScheduleInstant {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Fired { instant, kind, job, state, fired_at } => Self {
                instant: Some(timestamp(instant)),
                kind: kind.as_str().to_owned(),
                job: job.to_string(),
                job_state: state.as_str().to_owned(),
                recorded_at: Some(timestamp(fired_at)),
                ..Self::default()
            },
            Fate::Skipped { skip, skipped_at } => {
                Self { recorded_at: Some(timestamp(skipped_at)), ..skip.into() }
            }
        }
    }
}

impl From<Skip> for v1::ScheduleInstant {
    fn from(skip: Skip) -> Self {
        Self {
            instant: Some(timestamp(skip.from)),
            kind: skip.kind.as_str().to_owned(),
            skip: skip.reason.as_str().to_owned(),
            detail: skip.detail.unwrap_or_default(),
            until: Some(skip.until).filter(|until| *until != skip.from).map(timestamp),
            count: skip.count,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use model::id::{JobId, ScheduleId};
    use model::name::Namespace;
    use model::schedule::{FireKind, SkipReason, Standing};
    use uuid::Uuid;

    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn schedule(timing: Timing, state: ScheduleState) -> Schedule {
        let at = instant("2026-03-01T00:00:00Z");
        Schedule {
            id: ScheduleId(1),
            namespace: Namespace::default(),
            name: "nightly".parse().expect("a name"),
            spec: ScheduleSpec::new("report@3".parse().expect("a task"), timing),
            payload: Json::default(),
            seq: 7,
            standing: Standing {
                state,
                reason: None,
                next_at: Some(at),
                look_at: None,
                pending: Vec::new(),
                open: vec![JobId(Uuid::nil())],
            },
            last: None,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn a_message_says_one_timing_and_every_policy() {
        let anchor = instant("2026-01-01T00:00:00Z");
        let spec = |timing| {
            let message = v1::Schedule::from(schedule(timing, ScheduleState::Active));
            message.spec.expect("it has one")
        };

        let cron = spec(Timing::Cron("0 3 * * *".to_owned()));
        let every = spec(Timing::Every { period_ms: 5_000, anchor });
        let at = spec(Timing::At(anchor));

        assert_eq!(
            (cron.cron.as_str(), cron.every_ms, cron.at, cron.anchor),
            ("0 3 * * *", None, None, None)
        );
        assert_eq!((every.every_ms, every.anchor), (Some(5_000), Some(timestamp(anchor))));
        assert_eq!((every.cron.as_str(), every.at), ("", None));
        assert_eq!((at.at, at.every_ms, at.anchor), (Some(timestamp(anchor)), None, None));
        let words = [&cron.dst_gap, &cron.dst_overlap, &cron.missed, &cron.overlap, &cron.timezone];
        assert_eq!(words, ["after", "first", "last", "allow", "UTC"]);
        assert_eq!(
            (cron.task.as_str(), cron.missed_after_ms, &*cron.payload),
            ("report@3", Some(60_000), &b"{}"[..])
        );
    }

    #[test]
    fn only_one_that_fires_has_a_next_instant() {
        for state in ScheduleState::ALL {
            let message = v1::Schedule::from(schedule(Timing::Cron("@daily".to_owned()), *state));

            assert_eq!(message.next_at.is_some(), *state == ScheduleState::Active, "{state}");
            assert_eq!((message.seq, message.open_jobs.len(), message.pending), (7, 1, 0));
        }
    }

    #[test]
    fn a_skip_of_several_instants_says_from_when_until_when_and_how_many() {
        let (from, until) = (instant("2026-01-01T00:00:00Z"), instant("2026-01-02T00:00:00Z"));
        let one = Skip {
            from,
            until: from,
            count: Some(1),
            kind: FireKind::Clock,
            reason: SkipReason::Overlap,
            detail: None,
        };
        let many = Skip { until, count: None, reason: SkipReason::Missed, ..one.clone() };

        let one = v1::ScheduleInstant::from(Fate::Skipped { skip: one, skipped_at: until });
        let many = v1::ScheduleInstant::from(Fate::Skipped { skip: many, skipped_at: until });

        assert_eq!(
            (one.skip.as_str(), one.until, one.count, one.job.as_str()),
            ("overlap", None, Some(1), "")
        );
        assert_eq!((many.skip.as_str(), many.until, many.count), ("missed", Some(timestamp(until)), None));
        assert_eq!((many.instant, many.recorded_at), (Some(timestamp(from)), Some(timestamp(until))));
    }
}

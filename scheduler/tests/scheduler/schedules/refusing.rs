//! What is refused, by which field, and what to do about it.

use model::bounds::PAYLOAD_BYTES_MAX;
use rpc::{Code, v1};

use super::{YEARLY, at, every, spec};
use crate::room::Room;

const SCHEMA: &str =
    r#"{"type": "object", "required": ["day"], "properties": {"day": {"type": "string", "maxLength": 20}}}"#;

fn options(options: v1::JobOptions) -> v1::ScheduleSpec {
    v1::ScheduleSpec { options: Some(options), ..spec(YEARLY) }
}

fn payload(payload: &str) -> v1::ScheduleSpec {
    v1::ScheduleSpec { payload: payload.as_bytes().to_vec(), ..spec(YEARLY) }
}

/// Each by the field that is named and a part of the hint.
fn malformed() -> Vec<(&'static str, &'static str, v1::ScheduleSpec)> {
    let usual = v1::JobOptions::default;
    let text = str::to_owned;
    let far = || at("2199-01-01T00:00:00Z");
    let long = format!("\"{}\"", "x".repeat(PAYLOAD_BYTES_MAX));
    vec![
        ("task", "", v1::ScheduleSpec { task: String::new(), ..spec(YEARLY) }),
        ("cron", "--every", spec("")),
        ("cron", "", spec("61 * * * *")),
        ("cron", "", spec("0 0 30 2 *")),
        ("every", "--every", v1::ScheduleSpec { cron: text(YEARLY), ..every(60_000) }),
        ("at", "--at", v1::ScheduleSpec { at: far(), ..every(60_000) }),
        ("at", "--at", v1::ScheduleSpec { at: far(), ..spec(YEARLY) }),
        ("every", "", every(999)),
        ("at", "enqueue", v1::ScheduleSpec { at: at("2020-01-01T00:00:00Z"), ..spec("") }),
        (
            "at",
            "start and end",
            v1::ScheduleSpec { at: far(), ends_at: at("2198-01-01T00:00:00Z"), ..spec("") },
        ),
        ("end", "preview", v1::ScheduleSpec { ends_at: at("2020-01-01T00:00:00Z"), ..spec(YEARLY) }),
        ("end", "", v1::ScheduleSpec { starts_at: far(), ends_at: far(), ..spec(YEARLY) }),
        ("start", "", v1::ScheduleSpec { starts_at: at("+12026-01-01T00:00:00Z"), ..spec(YEARLY) }),
        ("timezone", "", v1::ScheduleSpec { timezone: text("Europe/Lisbo"), ..spec(YEARLY) }),
        ("dst-gap", "", v1::ScheduleSpec { dst_gap: text("later"), ..spec(YEARLY) }),
        ("dst-overlap", "", v1::ScheduleSpec { dst_overlap: text("second"), ..spec(YEARLY) }),
        ("missed", "", v1::ScheduleSpec { missed: text("some"), ..spec(YEARLY) }),
        ("missed-after", "", v1::ScheduleSpec { missed_after_ms: Some(u64::MAX), ..spec(YEARLY) }),
        ("overlap", "", v1::ScheduleSpec { overlap: text("kill"), ..spec(YEARLY) }),
        ("jitter", "", v1::ScheduleSpec { jitter_ms: u64::MAX, ..spec(YEARLY) }),
        ("note", "", v1::ScheduleSpec { note: "x".repeat(1_001), ..spec(YEARLY) }),
        ("delay", "jitter", options(v1::JobOptions { delay_ms: Some(1), ..usual() })),
        ("at", "the schedule says", options(v1::JobOptions { at: far(), ..usual() })),
        ("key", "one job", options(v1::JobOptions { key: text("k"), ..usual() })),
        ("key-ttl", "one job", options(v1::JobOptions { key_ttl_ms: Some(1), ..usual() })),
        ("priority", "", options(v1::JobOptions { priority: 10, ..usual() })),
        ("expires-in", "", options(v1::JobOptions { expires_in_ms: Some(u64::MAX), ..usual() })),
        ("payload", "", payload("{")),
        ("payload", "", payload("{\"day\": {{scheduled_for}}}")),
        ("payload", "", payload(&long)),
    ]
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_its_field_and_nothing_is_stored() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;

    for (field, hint, spec) in malformed() {
        let error = replica.create("s", spec.clone()).await.expect_err(field);
        assert_eq!(error.code, Code::Invalid, "{error}");
        assert!(error.message.starts_with(&format!("{field}: ")), "{field}: {error}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{field}: {hint}");
    }
    let name = replica.create("no name", spec(YEARLY)).await.expect_err("it has a space");

    assert!(name.message.starts_with("schedule: "), "{name}");
    assert_eq!(replica.schedule("s").await.expect_err("there is none").code, Code::NotFound);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_an_update_too_and_nothing_changes() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let seen = replica.created("s", spec("@daily")).await;

    for (field, hint, spec) in malformed() {
        let error = replica.update(&seen, spec).await.expect_err(field);
        assert_eq!(error.code, Code::Invalid, "{error}");
        assert!(error.message.starts_with(&format!("{field}: ")), "{field}: {error}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{field}: {hint}");
    }

    assert_eq!(replica.schedule("s").await.expect("it is there"), seen);
}

#[tokio::test]
async fn a_payload_is_held_against_the_schema_with_an_instant_put_in() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", Some(SCHEMA)).await;

    let fits = replica.create("fits", payload(r#"{"day": "{{scheduled_for}}"}"#)).await;
    let long = replica.create("long", payload(r#"{"day": "on {{scheduled_for}}"}"#)).await;
    let none = replica.create("none", spec(YEARLY)).await;

    assert!(fits.is_ok(), "{fits:?}");
    let (long, none) = (long.expect_err("23 characters"), none.expect_err("no day"));
    assert!(long.message.starts_with("payload at /day"), "{long}");
    assert!(none.hint.is_some_and(|hint| hint.contains("jobctl task show t")));
}

#[tokio::test]
async fn limits_over_the_version_s_are_denied() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let limits = v1::LimitOverrides { memory_bytes: Some(1 << 40), ..v1::LimitOverrides::default() };

    let over = options(v1::JobOptions { limits: Some(limits), ..v1::JobOptions::default() });
    let error = replica.create("s", over).await.expect_err("a TiB");

    assert_eq!(error.code, Code::Denied);
    assert!(error.message.starts_with("memory"), "{error}");
}

#[tokio::test]
async fn a_task_that_is_not_there_is_not_found() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;

    let task = replica.create("s", v1::ScheduleSpec { task: "u".to_owned(), ..spec(YEARLY) }).await;
    let version = replica.create("s", v1::ScheduleSpec { task: "t@7".to_owned(), ..spec(YEARLY) }).await;

    let (task, version) = (task.expect_err("no such task"), version.expect_err("no such version"));
    assert_eq!((task.code, version.code), (Code::NotFound, Code::NotFound));
    assert!(task.hint.is_some_and(|hint| hint.contains("jobctl task list")));
}

#[tokio::test]
async fn a_schedule_that_is_not_there_is_not_found_by_any_verb() {
    let (_room, replica) = Room::with_replica().await;
    let seen = v1::Schedule { name: "s".to_owned(), ..v1::Schedule::default() };
    let backfill = v1::BackfillScheduleRequest {
        name: "s".to_owned(),
        from: at("2020-01-01T00:00:00Z"),
        to: at("2020-01-02T00:00:00Z"),
        ..v1::BackfillScheduleRequest::default()
    };
    let history =
        v1::ScheduleHistoryRequest { name: "s".to_owned(), ..v1::ScheduleHistoryRequest::default() };

    let errors = [
        replica.schedule("s").await.expect_err("get"),
        replica.update(&seen, spec(YEARLY)).await.expect_err("update"),
        replica.pause("s").await.expect_err("pause"),
        replica.resume("s").await.expect_err("resume"),
        replica.delete("s").await.expect_err("delete"),
        replica.trigger("s", "").await.expect_err("trigger"),
        replica.client.clone().schedules.backfill_schedule(backfill).await.expect_err("backfill").into(),
        replica.client.clone().schedules.schedule_history(history).await.expect_err("history").into(),
    ];

    for error in errors {
        assert_eq!((error.code, error.message.as_str()), (Code::NotFound, "schedule \"s\" not found"));
        assert!(error.hint.is_some_and(|hint| hint.contains("jobctl schedule list")));
    }
}

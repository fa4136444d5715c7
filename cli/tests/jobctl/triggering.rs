//! `jobctl schedule trigger` and `history`.

use rpc::v1;
use serde_json::{Value, json};

use crate::runner::{Answer, Runner};
use crate::scripted::{End, Script, Scripted, Told};
use crate::scripted_schedules::{ScheduleScript, lost};

const INSTANT: prost_types::Timestamp = prost_types::Timestamp { seconds: 1_792_888_200, nanos: 123_000_000 };
const JOB: &str = "019a0000-0000-7000-8000-000000000000";

fn run(server: &Scripted, arguments: &[&str]) -> Answer {
    Runner::new().run(&[&["schedule"], arguments, &["--server", server.url()]].concat())
}

fn answer(outcome: &str, reason: &str) -> v1::TriggerScheduleResponse {
    let job = v1::EnqueuedJob {
        id: JOB.to_owned(),
        task: "t".to_owned(),
        version: 3,
        state: "queued".to_owned(),
        queue: "q".to_owned(),
        duplicate: false,
    };
    v1::TriggerScheduleResponse {
        instant: Some(INSTANT),
        outcome: outcome.to_owned(),
        job: (outcome == "fired").then_some(job),
        reason: reason.to_owned(),
    }
}

fn triggered(outcome: &str, reason: &str) -> ScheduleScript {
    ScheduleScript { triggers: [Ok(answer(outcome, reason))].into(), ..ScheduleScript::default() }
}

fn start(schedules: ScheduleScript) -> Scripted {
    Scripted::start(Script { schedules, ..Script::default() })
}

/// A server where the job has ended as soon as somebody waits for it.
fn ending(state: &str, schedules: ScheduleScript) -> Scripted {
    let job = v1::Job { state: state.to_owned(), result: Some(b"7".to_vec()), ..v1::Job::default() };
    let waits = [Told { messages: Vec::new(), end: End::Whole }].into();
    Scripted::start(Script { job, waits, schedules, ..Script::default() })
}

#[test]
fn a_trigger_prints_the_jobs_id_as_enqueue_does() {
    let text = run(&start(triggered("fired", "")), &["trigger", "s"]);
    let json = run(&start(triggered("fired", "")), &["trigger", "s", "-o", "json"]);

    assert_eq!((text.code, text.stdout, text.stderr.as_str()), (0, format!("{JOB}\n"), ""));
    let expected = json!({
        "id": JOB, "task": "t", "version": 3, "state": "queued", "queue": "q", "duplicate": false,
        "instant": "2026-10-25T00:30:00.123Z", "outcome": "fired", "reason": null,
    });
    assert_eq!(json.json(), expected);
}

#[test]
fn a_trigger_whose_answer_was_lost_is_made_again_with_the_same_id() {
    let triggers = [lost(), Ok(answer("fired", ""))].into();
    let server = start(ScheduleScript { triggers, ..ScheduleScript::default() });

    let answer = run(&server, &["trigger", "s", "--overlap", "cancel"]);

    let asked = server.seen(|script| script.schedules.triggers.asked.clone());
    assert_eq!((answer.code, asked.len(), asked[0].overlap.as_str()), (0, 2, "cancel"), "{answer:?}");
    assert_eq!(asked[0].id, asked[1].id);
    assert_eq!(asked[0].id.as_bytes()[14], b'7', "a UUID of version 7: {asked:?}");
}

#[test]
fn a_trigger_that_made_no_job_says_why_and_is_no_failure() {
    let cases = [
        ("queued", "", "when that run has ended"),
        ("skipped", "overlap", "--overlap allow"),
        ("skipped", "queue_full", "too many"),
    ];

    for (outcome, reason, said) in cases {
        let text = run(&start(triggered(outcome, reason)), &["trigger", "s"]);
        let json = run(&start(triggered(outcome, reason)), &["trigger", "s", "-o", "json", "-q"]);

        assert_eq!((text.code, text.stdout.as_str()), (0, ""), "{text:?}");
        assert!(text.stderr.contains(said), "{text:?}");
        assert_eq!((json.code, json.stderr.as_str()), (0, ""), "{json:?}");
        assert_eq!((&json.json()["outcome"], &json.json()["id"]), (&json!(outcome), &Value::Null));
    }
}

#[test]
fn a_trigger_that_waits_ends_as_its_job_does() {
    for (state, code) in [("succeeded", 0), ("failed", 4), ("cancelled", 5)] {
        let answer = run(&ending(state, triggered("fired", "")), &["trigger", "s", "--wait", "-q"]);

        assert_eq!(answer.code, code, "{answer:?}");
        assert_eq!(answer.stdout, if code == 0 { "7\n" } else { "" });
    }
}

#[test]
fn a_trigger_waits_for_a_run_to_end_and_then_for_its_own_job() {
    let fired = v1::ScheduleInstant {
        instant: Some(INSTANT),
        kind: "trigger".to_owned(),
        job: JOB.to_owned(),
        ..v1::ScheduleInstant::default()
    };
    let page = |instants| Ok(v1::ScheduleHistoryResponse { instants });
    let other = v1::ScheduleInstant { kind: "clock".to_owned(), ..fired.clone() };
    let histories = [page(vec![other.clone()]), page(vec![other, fired])].into();
    let server = ending("succeeded", ScheduleScript { histories, ..triggered("queued", "") });

    let answer = run(&server, &["trigger", "s", "--wait"]);

    assert_eq!((answer.code, answer.stdout.as_str()), (0, "7\n"), "{answer:?}");
    assert!(answer.stderr.contains(&format!("job {JOB}")), "{answer:?}");
}

fn history() -> ScheduleScript {
    let fired = v1::ScheduleInstant {
        instant: Some(prost_types::Timestamp { nanos: 0, ..INSTANT }),
        kind: "clock".to_owned(),
        job: JOB.to_owned(),
        job_state: "succeeded".to_owned(),
        ..v1::ScheduleInstant::default()
    };
    let skipped = v1::ScheduleInstant {
        instant: Some(prost_types::Timestamp { seconds: 1_792_000_200, nanos: 0 }),
        kind: "clock".to_owned(),
        skip: "missed".to_owned(),
        until: Some(prost_types::Timestamp { seconds: 1_792_169_400, nanos: 0 }),
        count: Some(47),
        ..v1::ScheduleInstant::default()
    };
    let page = || Ok(v1::ScheduleHistoryResponse { instants: vec![fired.clone(), skipped.clone()] });
    ScheduleScript { histories: [page(), page()].into(), ..ScheduleScript::default() }
}

#[test]
fn what_became_of_instants_is_told_the_latest_first() {
    let server = start(history());

    let text = run(&server, &["history", "s", "--limit", "2", "--before", "2026-11-01T00:00:00Z"]);
    let json = run(&server, &["history", "s", "-o", "json"]);

    let lines: Vec<_> = text.stdout.lines().collect();
    assert!(lines[0].starts_with("INSTANT               KIND   WHAT"), "{text:?}");
    assert!(lines[1].starts_with(&format!("2026-10-25T00:30:00Z  clock  {JOB} succeeded")), "{text:?}");
    assert!(lines[2].contains("skipped: missed (47 instants until 2026-10-16T16:50:00Z)"), "{text:?}");
    assert_eq!(text.stderr, "hint: there may be more: --before 2026-10-14T17:50:00Z\n");
    let asked = server.seen(|script| script.schedules.histories.asked[0].clone());
    assert_eq!((asked.limit, asked.before.map(|at| at.seconds)), (2, Some(1_793_491_200)));
    let instants = json.json()["instants"].clone();
    assert_eq!((&instants[0]["job"], &instants[0]["skip"]), (&json!(JOB), &Value::Null));
    assert_eq!((&instants[1]["job"], &instants[1]["count"]), (&Value::Null, &json!(47)));
}

//! `jobctl schedule backfill`.

use rpc::v1;
use serde_json::json;

use crate::runner::{Answer, Runner, nobody};
use crate::scripted::{Script, Scripted};
use crate::scripted_schedules::{ScheduleScript, lost};

const TIME: [&str; 6] =
    ["schedule", "backfill", "s", "--from=2026-01-01T00:00:00Z", "--to", "2026-02-01T00:00:00Z"];

fn run(server: &Scripted, arguments: &[&str]) -> Answer {
    Runner::new().run(&[&TIME, arguments, &["--server", server.url()]].concat())
}

fn counted(instants: u64, fired_before: u64) -> v1::BackfillScheduleResponse {
    v1::BackfillScheduleResponse { instants, fired_before, ..v1::BackfillScheduleResponse::default() }
}

fn part(made: u64, next_from: Option<i64>) -> v1::BackfillScheduleResponse {
    v1::BackfillScheduleResponse {
        instants: made,
        made,
        jobs: (0..made).map(|number| format!("job-{number}")).collect(),
        next_from: next_from.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
        ..v1::BackfillScheduleResponse::default()
    }
}

type Part = Result<v1::BackfillScheduleResponse, rpc::Error>;

fn start<const N: usize>(answers: [Part; N]) -> Scripted {
    let schedules = ScheduleScript { backfills: answers.into(), ..ScheduleScript::default() };
    Scripted::start(Script { schedules, ..Script::default() })
}

/// Five instants, of which one has fired, made in two parts.
fn five() -> Scripted {
    start([Ok(counted(5, 1)), Ok(part(3, Some(1_768_000_000))), Ok(part(1, None))])
}

#[test]
fn instants_are_counted_and_their_jobs_made_part_by_part() {
    let (people, program) = (five(), five());

    let text = run(&people, &["-y"]);
    let json = run(&program, &["-y", "-o", "json"]);

    assert_eq!((text.code, text.stdout.as_str(), text.stderr.as_str()), (0, "made 4 jobs\n", ""));
    let asked = people.seen(|script| script.schedules.backfills.asked.clone());
    assert_eq!(asked.iter().map(|one| one.count_only).collect::<Vec<_>>(), [true, false, false]);
    let froms: Vec<_> = asked.iter().filter_map(|one| one.from).map(|from| from.seconds).collect();
    assert_eq!(froms, [1_767_225_600, 1_767_225_600, 1_768_000_000]);
    let expected = json!({
        "instants": 5, "fired_before": 1, "made": 4, "jobs": ["job-0", "job-1", "job-2", "job-0"]
    });
    assert_eq!(json.json(), expected);
}

#[test]
fn without_a_terminal_nothing_is_made_unless_somebody_said_yes() {
    let server = five();

    let answer = run(&server, &[]);

    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{answer:?}");
    assert!(
        answer.stderr.contains("5 instants, 1 of which has made its job: 4 jobs to make; no job was made"),
        "{answer:?}"
    );
    assert!(answer.stderr.contains("hint: -y makes them"), "{answer:?}");
    assert_eq!(server.seen(|script| script.schedules.backfills.asked.len()), 1, "they were only counted");
}

#[test]
fn a_count_makes_nothing_and_what_is_whole_needs_nothing() {
    let count = run(&five(), &["--count-only", "-o", "json"]);
    let whole = run(&start([Ok(counted(5, 5))]), &[]);

    assert_eq!(count.json(), json!({"instants": 5, "fired_before": 1, "made": 0, "jobs": []}));
    assert_eq!(
        (whole.code, whole.stdout.as_str()),
        (0, "5 instants, and all of them have made their jobs\n")
    );
}

#[test]
fn a_part_whose_answer_was_lost_is_asked_for_again() {
    let server = start([Ok(counted(2, 0)), lost(), Ok(part(2, None))]);

    let answer = run(&server, &["-y"]);

    assert_eq!((answer.code, answer.stdout.as_str()), (0, "made 2 jobs\n"), "{answer:?}");
}

#[test]
fn a_failure_half_way_tells_what_was_made_before() {
    let refused = || Err(rpc::Error::new(rpc::Code::Internal, "a fault"));
    let server = start([Ok(counted(5, 0)), Ok(part(3, Some(1_768_000_000))), refused()]);

    let answer = run(&server, &["-y", "-o", "json"]);

    let error = answer.json()["error"].clone();
    assert_eq!((answer.code, &error["made"]), (1, &json!(3)), "{error}");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("3 jobs were made before")),
        "{error}"
    );
}

#[test]
fn a_time_that_ends_before_it_begins_is_refused() {
    let arguments =
        ["schedule", "backfill", "s", "--from", "2026-02-01T00:00:00Z", "--to", "2026-01-01T00:00:00Z"];

    let answer = Runner::new().run(&[&arguments[..], &["--server", &nobody()]].concat());

    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.stderr.starts_with("error: to: "), "{answer:?}");
}

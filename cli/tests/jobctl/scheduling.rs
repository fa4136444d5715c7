//! `jobctl schedule create`, `update`, `list`, `show`, `pause`, `resume`, `delete`.

use rpc::{Code, Error, v1};
use serde_json::json;

use crate::runner::{Answer, Runner, nobody};
use crate::scripted::{Script, Scripted};
use crate::scripted_schedules::{ScheduleScript, lost};

fn start(schedules: ScheduleScript) -> Scripted {
    Scripted::start(Script { schedules, ..Script::default() })
}

fn run(server: &Scripted, arguments: &[&str]) -> Answer {
    Runner::new().run(&[&["schedule"], arguments, &["--server", server.url()]].concat())
}

fn at(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

/// The 25th of October 2026, 00:30:00 and 25 hours on, in UTC.
const FIRES: [i64; 2] = [1_792_888_200, 1_792_978_200];

fn schedule(name: &str, state: &str) -> v1::Schedule {
    let options = v1::JobOptions {
        queue: "default".to_owned(),
        priority: 5,
        tags: [("team".to_owned(), "a".to_owned())].into(),
        ..v1::JobOptions::default()
    };
    let spec = v1::ScheduleSpec {
        task: "report".to_owned(),
        cron: "30 1 * * *".to_owned(),
        timezone: "Europe/Lisbon".to_owned(),
        dst_gap: "after".to_owned(),
        dst_overlap: "first".to_owned(),
        missed: "last".to_owned(),
        missed_after_ms: Some(60_000),
        overlap: "allow".to_owned(),
        payload: b"{\"n\": 1e400}".to_vec(),
        options: Some(options),
        note: "why".to_owned(),
        ..v1::ScheduleSpec::default()
    };
    v1::Schedule {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        spec: Some(spec),
        seq: 7,
        state: state.to_owned(),
        description: "at 01:30 every day, Europe/Lisbon".to_owned(),
        next_at: Some(at(FIRES[0])),
        upcoming: FIRES.map(at).to_vec(),
        updated_at: Some(at(1)),
        ..v1::Schedule::default()
    }
}

fn created(unchanged: bool) -> Result<v1::CreateScheduleResponse, Error> {
    Ok(v1::CreateScheduleResponse { schedule: Some(schedule("nightly", "active")), unchanged })
}

const CREATE: [&str; 6] = ["create", "nightly", "--task", "report", "--cron", "30 1 * * *"];

#[test]
fn a_schedule_is_made_of_its_flags_and_says_when_it_fires() {
    let server = start(ScheduleScript { creates: [created(false)].into(), ..ScheduleScript::default() });
    let flags = "--timezone Europe/Lisbon --payload {\"a\":1e400} --overlap skip --missed all --missed-after 5m --jitter 30s \
        --dst-gap skip --dst-overlap both --start 2026-01-01T00:00:00Z --end 2027-01-01T00:00:00Z --note why --paused \
        --queue q --priority 1 --max-attempts 2 --expires-in 1h --tag a=b --timeout 10s";

    let answer = run(&server, &[&CREATE[..], &flags.split_whitespace().collect::<Vec<_>>()].concat());

    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
    let lines: Vec<_> = answer.stdout.lines().collect();
    assert_eq!(lines[0], "created schedule nightly: at 01:30 every day, Europe/Lisbon");
    assert!(lines[1].starts_with("  Sun 2026-10-25 01:30 +01:00 * 2026-10-25T00:30:00Z  "), "{answer:?}");
    let request = server.seen(|script| script.schedules.creates.asked[0].clone());
    let spec = request.spec.expect("a spec");
    let options = spec.options.clone().expect("options");
    assert_eq!(
        (request.name.as_str(), request.namespace.as_str(), request.paused),
        ("nightly", "default", true)
    );
    assert_eq!(
        (spec.task.as_str(), spec.cron.as_str(), spec.timezone.as_str()),
        ("report", "30 1 * * *", "Europe/Lisbon")
    );
    assert_eq!((spec.overlap.as_str(), spec.missed.as_str()), ("skip", "all"));
    assert_eq!((spec.dst_gap.as_str(), spec.dst_overlap.as_str()), ("skip", "both"));
    assert_eq!((spec.missed_after_ms, spec.jitter_ms), (Some(300_000), 30_000));
    assert_eq!((spec.starts_at, spec.ends_at), (Some(at(1_767_225_600)), Some(at(1_798_761_600))));
    assert_eq!((spec.payload, spec.note.as_str()), (b"{\"a\":1e400}".to_vec(), "why"));
    assert_eq!((options.queue.as_str(), options.priority, options.max_attempts), ("q", 1, 2));
    assert_eq!((options.expires_in_ms, options.delay_ms, options.at), (Some(3_600_000), None, None));
    assert_eq!(options.limits.and_then(|limits| limits.timeout_ms), Some(10_000));
    assert_eq!(options.tags, [("a".to_owned(), "b".to_owned())].into());
}

#[test]
fn programs_get_the_schedule_and_whether_it_was_there() {
    let server = start(ScheduleScript { creates: [created(true)].into(), ..ScheduleScript::default() });

    let answer = run(&server, &[&CREATE[..], &["-o", "json"]].concat());

    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.stdout.contains("\"payload\": {\"n\": 1e400}"), "as it came: {answer:?}");
    assert!(answer.stdout.contains("\"unchanged\": true"), "{answer:?}");
    assert!(answer.stdout.contains("\"next_at\": \"2026-10-25T00:30:00Z\""), "{answer:?}");
}

#[test]
fn a_create_whose_answer_was_lost_is_made_again() {
    let creates = [lost(), created(true)].into();
    let server = start(ScheduleScript { creates, ..ScheduleScript::default() });

    let answer = run(&server, &CREATE);

    assert_eq!(
        (answer.code, server.seen(|script| script.schedules.creates.asked.len())),
        (0, 2),
        "{answer:?}"
    );
}

#[test]
fn another_content_under_the_same_name_is_exit_9_with_a_hint() {
    let conflict = Error::new(Code::Conflict, "schedule nightly is there with other content");
    let server = start(ScheduleScript { creates: [Err(conflict)].into(), ..ScheduleScript::default() });

    let answer = run(&server, &CREATE);

    assert_eq!(answer.code, 9, "{answer:?}");
    assert!(answer.stderr.contains("hint: `jobctl schedule update nightly` changes it"), "{answer:?}");
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    let runner = Runner::new();
    let server = nobody();
    let base = ["schedule", "create", "x", "--task", "t"];
    let cases: [(&[&str], &str); 12] = [
        (&["--cron", "30 7 * *"], "cron: "),
        (&["--cron", ""], "cron: "),
        (&["--cron", "1,,2 * * * *"], "minute"),
        (&["--cron", "@daily", "--every", "5m"], "--every"),
        (&[], "--cron"),
        (&["--every", "10ms"], "every: "),
        (&["--every", "5m", "--jitter", "2d"], "jitter: "),
        (&["--every", "5m", "--missed-after", "2h"], "missed-after: "),
        (&["--every", "5m", "--start", "2026-01-02T00:00:00Z", "--end", "2026-01-01T00:00:00Z"], "end: "),
        (&["--every", "5m", "--overlap", "maybe"], "--overlap"),
        (&["--every", "5m", "--payload", "oops"], "payload: "),
        (&["--every", "5m", "--delay", "5m"], "--delay"),
    ];

    for (flags, named) in cases {
        let answer = runner.run(&[&base[..], flags, &["--server", &server, "-o", "json"]].concat());

        let error = answer.json()["error"].clone();
        assert_eq!((answer.code, &error["code"]), (2, &json!("invalid")), "{answer:?}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(named)), "{flags:?}: {error}");
    }
}

#[test]
fn an_update_changes_what_is_given_and_nothing_else() {
    let get = Ok(schedule("nightly", "active"));
    let update = Ok(schedule("nightly", "active"));
    let server =
        start(ScheduleScript { gets: [get].into(), updates: [update].into(), ..ScheduleScript::default() });

    let answer = run(
        &server,
        &["update", "nightly", "--every", "5m", "--note", "", "--unset", "tags", "--memory", "1MiB"],
    );

    assert_eq!(answer.code, 0, "{answer:?}");
    let request = server.seen(|script| script.schedules.updates.asked[0].clone());
    let before = schedule("nightly", "active").spec.expect("a spec");
    let options = v1::JobOptions {
        tags: [].into(),
        limits: Some(v1::LimitOverrides { memory_bytes: Some(1 << 20), ..v1::LimitOverrides::default() }),
        ..before.options.clone().expect("options")
    };
    let expected = v1::ScheduleSpec {
        cron: String::new(),
        every_ms: Some(300_000),
        note: String::new(),
        options: Some(options),
        ..before
    };
    assert_eq!((request.spec, request.seq, request.updated_at), (Some(expected), 7, Some(at(1))));
}

#[test]
fn an_update_that_lost_a_race_looks_again() {
    let conflict = || Err(Error::new(Code::Conflict, "changed meanwhile"));
    let seen = |seq| Ok(v1::Schedule { seq, ..schedule("nightly", "active") });
    let script = |updates| ScheduleScript {
        gets: [seen(1), seen(2), seen(3)].into(),
        updates,
        ..ScheduleScript::default()
    };
    let twice = start(script([conflict(), seen(3)].into()));
    let always = start(script([conflict(), conflict(), conflict()].into()));

    let won = run(&twice, &["update", "nightly", "--note", "x"]);
    let lost = run(&always, &["update", "nightly", "--note", "x"]);

    assert_eq!((won.code, lost.code), (0, 9), "{won:?} {lost:?}");
    let seqs =
        twice.seen(|script| script.schedules.updates.asked.iter().map(|one| one.seq).collect::<Vec<_>>());
    assert_eq!(seqs, [1, 2]);
    assert_eq!(always.seen(|script| script.schedules.updates.asked.len()), 3);
}

#[test]
fn an_update_that_changes_nothing_asks_for_nothing() {
    let get = || Ok(schedule("nightly", "active"));
    let server = start(ScheduleScript { gets: [get()].into(), ..ScheduleScript::default() });

    let same = run(&server, &["update", "nightly", "--cron", "30 1 * * *"]);
    let nothing = run(&server, &["update", "nightly"]);

    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.stdout.starts_with("schedule nightly is unchanged: at 01:30"), "{same:?}");
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(nothing.stderr.contains("what is to change?"), "{nothing:?}");
}

#[test]
fn an_end_is_taken_away_by_none() {
    let mut seen = schedule("nightly", "active");
    let spec = seen.spec.as_mut().expect("a spec");
    (spec.starts_at, spec.ends_at) = (Some(at(5)), Some(at(9)));
    let answer = Ok(schedule("nightly", "active"));
    let server = start(ScheduleScript {
        gets: [Ok(seen)].into(),
        updates: [answer].into(),
        ..ScheduleScript::default()
    });

    run(&server, &["update", "nightly", "--end", "none"]);

    let spec = server.seen(|script| script.schedules.updates.asked[0].spec.clone()).expect("a spec");
    assert_eq!((spec.starts_at, spec.ends_at), (Some(at(5)), None));
}

#[test]
fn schedules_are_listed_in_plain_words_with_a_hint_for_more() {
    let page = || {
        let schedules = vec![schedule("nightly", "active"), schedule("weekly", "disabled")];
        Ok(v1::ListSchedulesResponse { schedules, next_cursor: "more".to_owned() })
    };
    let server = start(ScheduleScript { lists: [page(), page()].into(), ..ScheduleScript::default() });
    let flags = ["list", "--limit", "2", "--state", "active,disabled", "--task", "report"];

    let text = run(&server, &flags);
    let json = run(&server, &[&flags[..], &["-o", "jsonl"]].concat());

    assert_eq!(text.code, 0, "{text:?}");
    assert!(
        text.stdout.starts_with("NAME     STATE     WHEN                               NEXT"),
        "{text:?}"
    );
    assert!(text.stdout.contains("at 01:30 every day, Europe/Lisbon"), "{text:?}");
    assert_eq!(text.stderr, "hint: there are more: --cursor more\n");
    assert_eq!(json.stdout.lines().count(), 2, "{json:?}");
    let request = server.seen(|script| script.schedules.lists.asked[0].clone());
    assert_eq!(
        (request.states, request.task.as_str(), request.limit),
        (vec!["active".to_owned(), "disabled".to_owned()], "report", 2)
    );
}

#[test]
fn a_schedule_is_shown_with_why_it_does_not_fire() {
    let disabled = v1::Schedule {
        reason: "task \"report\" is gone\x1b[2J".to_owned(),
        ..schedule("nightly", "disabled")
    };
    let server = start(ScheduleScript { gets: [Ok(disabled)].into(), ..ScheduleScript::default() });

    let answer = run(&server, &["show", "nightly"]);

    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(
        answer.stdout.contains("state         disabled: task \"report\" is gone\\u{1b}[2J\n"),
        "{answer:?}"
    );
    for line in [
        "cron          30 1 * * *\n",
        "tags          team=a\n",
        "note          why\n",
        "  \"n\": 1e400",
        "missed        last, when more than 1m late\n",
    ] {
        assert!(answer.stdout.contains(line), "{line}: {answer:?}");
    }
    assert!(answer.stderr.contains("`jobctl schedule resume nightly` lets it fire again"), "{answer:?}");
}

#[test]
fn several_schedules_are_paused_and_one_that_is_not_there_does_not_keep_the_others() {
    let missing = || Err(Error::new(Code::NotFound, "there is no schedule b"));
    let script = || ScheduleScript {
        pauses: [Ok(schedule("a", "paused")), missing(), Ok(schedule("c", "paused"))].into(),
        ..ScheduleScript::default()
    };
    let (people, program) = (start(script()), start(script()));

    let text = run(&people, &["pause", "a", "b", "c", "a"]);
    let json = run(&program, &["pause", "a", "b", "c", "-o", "json"]);

    assert_eq!((text.code, text.stdout.as_str()), (3, "schedule a is paused\nschedule c is paused\n"));
    assert!(text.stderr.contains("there is no schedule b (2 of 3 were paused)"), "{text:?}");
    let error = json.json()["error"].clone();
    assert_eq!((&error["done"], &error["refused"]), (&json!(["a", "c"]), &json!(["b"])));
}

#[test]
fn a_resumed_schedule_says_when_it_fires_next() {
    let script =
        || ScheduleScript { resumes: [Ok(schedule("a", "active"))].into(), ..ScheduleScript::default() };

    let text = run(&start(script()), &["resume", "a", "--time", "iso"]);
    let json = run(&start(script()), &["resume", "a", "-o", "json"]);

    assert_eq!(text.stdout, "schedule a is active; it fires next at 2026-10-25T00:30:00Z\n");
    assert!(json.stdout.contains("\"state\": \"active\""), "{json:?}");
}

#[test]
fn a_delete_whose_answer_was_lost_is_no_failure_and_one_of_nothing_is() {
    let missing = || Err(Error::new(Code::NotFound, "there is no schedule a"));
    let again = start(ScheduleScript { deletes: [lost(), missing()].into(), ..ScheduleScript::default() });
    let never = start(ScheduleScript { deletes: [missing()].into(), ..ScheduleScript::default() });
    let several = start(ScheduleScript {
        deletes: [Ok(v1::DeleteScheduleResponse {}), Ok(v1::DeleteScheduleResponse {})].into(),
        ..ScheduleScript::default()
    });

    let deleted = run(&again, &["delete", "a"]);
    let refused = run(&never, &["delete", "a"]);
    let json = run(&several, &["delete", "a", "b", "-o", "json"]);

    assert_eq!((deleted.code, deleted.stdout.as_str()), (0, "schedule a is deleted\n"));
    assert_eq!(refused.code, 3, "{refused:?}");
    let expected = json!({"schedules": [{"name": "a", "deleted": true}, {"name": "b", "deleted": true}]});
    assert_eq!(json.json(), expected);
}

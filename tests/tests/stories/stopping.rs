//! Any job can be stopped: at once, with a grace, many together, by its deadline, and when its host cannot be reached.

use std::net::{TcpListener, TcpStream};

use guests::{Hostile, Tasks};
use serde_json::{Value, json};
use stories::{Footing, Jobctl, Setup, System, guest, hostile_guest};
use testkit::eventually::eventually_blocking;

const FOOTINGS: [Footing; 2] = [Footing::Embedded, Footing::Distributed { schedulers: 1, hosts: 1 }];

/// Tasks that say that they have begun, and wait until they see that they are to end.
const COOPERATIVE: Tasks<'_> = Tasks {
    imports: r#"
        (import "jobs:task/progress@1.0.0" "report" (func $progress (param i32 i32 i32)))
        (import "jobs:task/context@1.0.0" "cancel-requested" (func $cancel_requested (result i32)))
        (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
        (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
        (import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop (param i32)))"#,
    extra: "
        (func $nap (local $pollable i32)
          (local.set $pollable (call $after (i64.const 1000000)))
          (call $block (local.get $pollable))
          (call $drop (local.get $pollable)))
        (func $until_asked
          (call $progress (i32.const 1) (i32.const 32) (i32.const 4))
          (loop $again
            (call $nap)
            (br_if $again (i32.eqz (call $cancel_requested)))))",
    tasks: &[
        ("heeds", "(call $until_asked) (return (call $ok (i32.const 32) (i32.const 4)))"),
        (
            "fails",
            "(call $until_asked) (return (call $err (i32.const 2) (i32.const 48) (i32.const 4) (i64.const 0)))",
        ),
        ("traps", "(call $until_asked) (unreachable)"),
        ("ignores", "(call $until_asked) (loop $again (call $nap) (br $again))"),
    ],
};

fn publish_cooperative(system: &System) {
    system.jobctl().publish(&system.file("cooperative.wasm", &COOPERATIVE.build()), &[]);
}

/// A job of a cooperative task whose guest has begun: one that has not when it is told to end does not begin.
fn begun(jobctl: &Jobctl, task: &str) -> String {
    let id = jobctl.enqueue(task, "{}", &[]);
    eventually_blocking(&format!("{task} to begin"), || {
        let job = jobctl.job(&id);
        (job["state"] == "running" && job["progress"]["percent"] == 1).then_some(())
    });
    id
}

/// Publishes a guest of the gallery.
fn publish(system: &System, guest: Hostile, flags: &[&str]) {
    system.jobctl().publish(&hostile_guest(system.folder(), guest), flags);
}

/// A running job of the guest.
fn running(jobctl: &Jobctl, task: &str, payload: &str) -> String {
    let id = jobctl.enqueue(task, payload, &[]);
    let _ = jobctl.job_in(&id, "running");
    id
}

/// The one attempt of a job.
fn attempt(job: &Value) -> &Value {
    let [attempt] = job["attempts"].as_array().expect("a list").as_slice() else { panic!("{job}") };
    attempt
}

#[test]
fn within_its_grace_a_task_may_end_by_itself_and_afterwards_it_is_ended() {
    for footing in FOOTINGS {
        let system = System::on(footing);
        let jobctl = system.jobctl();
        publish_cooperative(&system);
        let cases = [
            ("heeds", "1m", "succeeded"),
            ("fails", "1m", "cancelled"),
            ("traps", "1m", "cancelled"),
            ("ignores", "300ms", "cancelled"),
        ];
        for (task, grace, state) in cases {
            let id = begun(&jobctl, task);

            let told = jobctl.json(&["job", "cancel", &id, "--grace", grace]);

            assert_eq!((&told["changed"], &told["host_reached"]), (&json!(true), &json!(true)), "{told}");
            let job = jobctl.job_in(&id, state);
            assert_eq!(attempt(&job)["outcome"], state, "{job}");
            if state == "cancelled" {
                let stop = &attempt(&job)["stop"];
                assert_eq!(stop["reason"], "cancel", "{job}");
                assert!(stop["latency_ms"].is_f64(), "{job}");
            }
        }
    }
}

#[test]
fn a_second_cancel_without_grace_ends_it_at_once() {
    for footing in FOOTINGS {
        let system = System::on(footing);
        let jobctl = system.jobctl();
        publish_cooperative(&system);
        let id = begun(&jobctl, "ignores");

        let _ = jobctl.json(&["job", "cancel", &id, "--grace", "1h"]);
        let between = jobctl.job(&id);
        let _ = jobctl.json(&["job", "cancel", &id]);

        assert_eq!((&between["state"], &between["cancel_requested"]), (&json!("running"), &json!(true)));
        let job = jobctl.job_in(&id, "cancelled");
        assert_eq!(attempt(&job)["stop"]["reason"], "cancel", "{job}");
    }
}

#[test]
fn many_jobs_are_cancelled_together_once_somebody_says_yes() {
    for footing in FOOTINGS {
        let system = System::on(footing);
        let jobctl = system.jobctl();
        jobctl.publish(&guest(system.folder()), &["--fuel", "unlimited"]);
        let spinning: Vec<_> = (0..3).map(|_| running(&jobctl, "spin", "{}")).collect();
        let other = jobctl.enqueue("nap", "1", &["--delay", "1h"]);
        let waiting = jobctl.enqueue("spin", "{}", &["--delay", "1h", "--tag", "kind=late"]);

        let refused = jobctl.run(&["job", "cancel", "--task", "spin", "--state", "running"]);
        let still: Vec<_> = spinning.iter().map(|id| jobctl.job(id)["cancel_requested"].clone()).collect();
        let running = jobctl.json(&["job", "cancel", "--task", "spin", "--state", "running", "-y"]);
        for id in &spinning {
            let _ = jobctl.job_in(id, "cancelled");
        }
        let tagged = jobctl.json(&["job", "cancel", "--tag", "kind=late", "-y"]);
        let nobody = jobctl.json(&["job", "cancel", "--task", "spin", "-y"]);

        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("3 jobs match") && refused.stderr.contains("-y"), "{refused:?}");
        assert_eq!(still, [false; 3]);
        assert_eq!((&running["matched"], &running["stopping"]), (&json!(3), &json!(3)), "{running}");
        assert_eq!((&tagged["matched"], &tagged["cancelled"]), (&json!(1), &json!(1)), "{tagged}");
        assert_eq!(nobody["matched"], 0, "{nobody}");
        assert_eq!(jobctl.job(&waiting)["state"], "cancelled");
        assert_eq!(jobctl.job(&other)["state"], "scheduled", "it is of another task");
    }
}

#[test]
fn whoever_names_no_job_cancels_none() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let id = jobctl.enqueue("echo", "1", &["--delay", "1h"]);

    let nothing = jobctl.run(&["job", "cancel", "-y"]);
    let ended = jobctl.run(&["job", "cancel", "--state", "succeeded", "-y"]);

    assert_eq!((nothing.code, ended.code), (2, 2), "{nothing:?} {ended:?}");
    assert!(nothing.stderr.contains("hint: "), "{nothing:?}");
    assert_eq!(jobctl.job(&id)["state"], "scheduled");
}

#[test]
fn a_host_that_cannot_be_called_hears_of_a_cancel_by_its_heartbeat() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("it has one");
    drop(nobody);
    let flags = vec!["--advertise".to_owned(), format!("http://{address}")];
    let footing = Footing::Distributed { schedulers: 1, hosts: 1 };
    let system = System::start(&Setup { flags, ..Setup::on(footing) });
    let jobctl = system.jobctl();
    publish_cooperative(&system);
    let cases = [
        ("ignores", &[][..], "cancelled"),
        ("heeds", &["--grace", "1m"][..], "succeeded"),
        ("ignores", &["--grace", "300ms"][..], "cancelled"),
    ];
    for (task, grace, state) in cases {
        let id = begun(&jobctl, task);

        let told = jobctl.json(&[&["job", "cancel", &id], grace].concat());

        assert_eq!((&told["state"], &told["host_reached"]), (&json!("running"), &json!(false)), "{told}");
        let job = jobctl.job_in(&id, state);
        assert_eq!(attempt(&job)["outcome"], state, "{job}");
    }
}

/// A system with a relay that never answers, and a peer like it.
struct Silent {
    system: System,
    peer: TcpListener,
    relay: TcpListener,
}

impl Silent {
    fn start(footing: Footing) -> Self {
        let [peer, relay] = [(); 2].map(|()| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.set_nonblocking(true).expect("it is looked at now and then");
            listener
        });
        let url = format!("smtp://{}", relay.local_addr().expect("it has an address"));
        let system = System::start(&Setup { relay: Some(url), ..Setup::on(footing) });
        let place = peer.local_addr().expect("it has an address").to_string();
        publish(&system, Hostile::HttpLoop, &["--allow-http", &place]);
        publish(&system, Hostile::MailLoop, &["--allow-mail"]);
        Self { system, peer, relay }
    }

    /// Starts a job of each guest, and waits until it has called whom it waits for. Who drops a connection hangs up.
    fn waiting(&self, flags: &[&str]) -> [(String, TcpStream); 2] {
        let url = format!("\"http://{}/\"", self.peer.local_addr().expect("it has an address"));
        let guests = [("http_loop", url.as_str(), &self.peer), ("mail_loop", "{}", &self.relay)];
        guests.map(|(task, payload, listener)| {
            let id = self.system.jobctl().enqueue(task, payload, flags);
            let (connection, _) =
                eventually_blocking(&format!("a call of {task}"), || listener.accept().ok());
            (id, connection)
        })
    }
}

#[test]
fn a_guest_that_waits_for_a_silent_peer_is_stopped_by_a_cancel_and_by_its_deadline() {
    for footing in FOOTINGS {
        let silent = Silent::start(footing);
        let jobctl = silent.system.jobctl();

        let cancelled = silent.waiting(&[]);
        for (id, _) in &cancelled {
            let _ = jobctl.json(&["job", "cancel", id]);
        }
        let late = silent.waiting(&["--timeout", "500ms", "--max-attempts", "1"]);

        for (id, _) in &cancelled {
            let job = jobctl.job_in(id, "cancelled");
            assert_eq!(attempt(&job)["stop"]["reason"], "cancel", "{job}");
        }
        for (id, _) in &late {
            let job = jobctl.job_in(id, "failed");
            assert_eq!(job["error"]["kind"], "timeout", "{job}");
            assert_eq!(attempt(&job)["stop"]["reason"], "deadline", "{job}");
            assert!(attempt(&job)["host_call_ms"].as_f64().is_some_and(|ms| ms > 100.0), "{job}");
        }
    }
}

#[test]
fn a_job_that_has_ended_stays_as_it_ended() {
    for footing in FOOTINGS {
        let system = System::on(footing);
        let jobctl = system.jobctl();
        jobctl.publish(&guest(system.folder()), &["--fuel", "unlimited"]);
        let done = jobctl.enqueue("echo", "1", &[]);
        let stopped = running(&jobctl, "spin", "{}");
        let _ = jobctl.job_in(&done, "succeeded");
        let _ = jobctl.json(&["job", "cancel", &stopped]);
        let before = jobctl.job_in(&stopped, "cancelled");

        for (id, state) in [(&done, "succeeded"), (&stopped, "cancelled")] {
            for flags in [&[][..], &["--grace", "5s"]] {
                let told = jobctl.json(&[&["job", "cancel", id], flags].concat());
                assert_eq!((&told["state"], &told["changed"]), (&json!(state), &json!(false)), "{told}");
            }
        }

        assert_eq!(jobctl.job(&stopped), before);
        assert_eq!(jobctl.job(&done)["result"], 1);
    }
}

#[test]
fn eight_endless_loops_leave_room_for_short_jobs() {
    let flags = ["--slots", "10"].map(str::to_owned).to_vec();
    let system = System::start(&Setup { flags, ..Setup::on(Footing::Embedded) });
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    let loops: Vec<_> = (0..8).map(|_| running(&jobctl, "spin", "{}")).collect();

    for _ in 0..5 {
        let job =
            jobctl.json(&["enqueue", "echo", "1", "--queue", "short", "--wait", "--wait-timeout", "30s"]);
        assert_eq!(job["state"], "succeeded", "{job}");
    }

    let states: Vec<_> = loops.iter().map(|id| jobctl.job(id)["state"].clone()).collect();
    assert_eq!(states, ["running"; 8]);
    let told = jobctl.json(&["job", "cancel", "--task", "spin", "-y"]);
    assert_eq!(told["stopping"], 8, "{told}");
    for id in &loops {
        let _ = jobctl.job_in(id, "cancelled");
    }
}

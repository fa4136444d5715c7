//! The gallery of hostile guests: each ends as it must, whatever it does, and leaves nothing behind.

mod expected;

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use guests::{Guest, Hostile};
use model::attempt::StopReason;
use model::error::{ErrorKind, Failure};
use model::json::Json;
use model::limits::Limits;
use model::retry::Ending;
use sandbox::{Execution, Flavour, Invocation, StopHandle};

use self::expected::{Case, Expected, everything, expected};
use crate::room::Room;

/// What the pool of a room has: its slots, and the spare ones for inspections.
const INSTANCES: usize = 4 + 4;

/// How long a guest computes before it is stopped, at first: a machine may be too busy to begin it by then.
const HEAD_STARTS_MS: [u64; 4] = [20, 100, 500, 2_500];

/// What must follow the end of an attempt within reason, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done to an attempt from outside, each after a while.
#[derive(Debug, Clone, Copy)]
enum Act {
    RequestCancel,
    Cancel,
}

fn invocation(room: &Room, guest: Hostile, case: &Case) -> Invocation {
    let digest = room.shelf.put(guest.component());
    Invocation {
        task: guest.name().parse().expect("a guest's name is a task's"),
        payload: Json::check("payload", br#""http://peer.test/""#.to_vec(), 100).expect("it is JSON"),
        limits: case.limits.clone(),
        grants: case.grants.clone(),
        deterministic: case.deterministic,
        ..room.invocation(digest)
    }
}

/// Runs a guest to its end. An attempt that was stopped before its guest began says nothing about the guest, and is
/// made again.
async fn run(room: &Room, invocation: &Invocation, acts: &[Act]) -> Execution {
    for head_start in HEAD_STARTS_MS.map(Duration::from_millis) {
        let (handle, stop) = StopHandle::pair();
        let world = room.world.clone();
        let mut attempt = pin!(room.sandbox.run(&room.shelf, invocation.clone(), world, stop));
        let mut ended = None;
        for act in acts {
            if let Ok(execution) = tokio::time::timeout(head_start, &mut attempt).await {
                ended = Some(execution);
                break;
            }
            match act {
                Act::RequestCancel => handle.request_cancel(),
                Act::Cancel => handle.stop(StopReason::Cancel),
            }
            room.sandbox.wake();
        }
        let execution = match ended {
            Some(execution) => execution,
            None => tokio::time::timeout(PATIENCE, attempt).await.expect("every guest ends"),
        };
        if acts.is_empty() || execution.usage.wall_us > 0 {
            return execution;
        }
    }
    panic!("{} did not begin in time", invocation.task)
}

/// Runs the guest to its end in the world of its case.
async fn try_out(room: &Room, guest: Hostile, case: &Case, acts: &[Act]) -> Execution {
    room.world.hangs.store(case.hangs, Ordering::Relaxed);
    let execution = run(room, &invocation(room, guest, case), acts).await;
    room.world.hangs.store(false, Ordering::Relaxed);
    execution
}

/// What the guest came to, in one word and some.
async fn outcome(room: &Room, guest: Hostile, case: &Case) -> Result<(), String> {
    if let Expected::Refused(part) = case.expected {
        let flavour = Flavour::of(&case.limits, case.deterministic);
        return match room.sandbox.inspect(guest.component(), flavour).await {
            Err(refusal) if refusal.message.contains(part) => Ok(()),
            Err(refusal) => Err(format!("should be refused with {part:?}: {refusal}")),
            Ok(_) => Err(format!("should be refused with {part:?}")),
        };
    }
    let acts: &[Act] = match (case.requested, &case.expected) {
        (false, _) => &[],
        (true, Expected::OutstaysItsGrace) => &[Act::RequestCancel, Act::Cancel],
        (true, _) => &[Act::RequestCancel],
    };
    let execution = try_out(room, guest, case, acts).await;
    let (stopped, saw) = (execution.stop.map(|stop| stop.reason), &execution);
    match (&case.expected, &execution.ending) {
        (Expected::Succeeds(result), Ending::Succeeded) => {
            let seen = execution.result.as_ref().expect("a success has a result").as_str();
            if seen.starts_with(result) { Ok(()) } else { Err(format!("should return {result}: {seen}")) }
        }
        (Expected::Fails(kind, parts), Ending::Failed { failure, .. }) => told(failure, *kind, parts),
        (Expected::GivesUp | Expected::OutstaysItsGrace, Ending::Cancelled)
            if stopped == Some(StopReason::Cancel) =>
        {
            Ok(())
        }
        (expected, _) => Err(format!("should end as {expected:?}: {saw:?}")),
    }
}

fn told(failure: &Failure, kind: ErrorKind, parts: &[&str]) -> Result<(), String> {
    if failure.kind != kind || !parts.iter().all(|part| failure.message.contains(part)) {
        return Err(format!("should fail as {kind} with {parts:?}: {failure}"));
    }
    Ok(())
}

/// The invocation of a guest that is not hostile.
fn tame(room: &Room) -> Invocation {
    room.invocation(room.shelf.put(Guest::default().build()))
}

/// Such guests still do their work.
async fn assert_tame_guests_succeed(room: &Room, tame: &Invocation, after: &str) {
    let execution = run(room, tame, &[]).await;
    assert_eq!(execution.ending, Ending::Succeeded, "after {after}");
}

/// As many attempts as the pools have room for wait in a call at once, and one more finds none.
async fn assert_all_instances_are_free(room: &Room) {
    for fuel in [None, Some(1_000_000)] {
        let limits = Limits { fuel, timeout_ms: 500, ..Limits::default() };
        let case = Case { limits, hangs: true, ..Case::new(Expected::GivesUp) };
        room.world.hangs.store(true, Ordering::Relaxed);
        let invocation = invocation(room, Hostile::CheckpointLoop, &case);
        let attempts = (0..=INSTANCES).map(|_| run(room, &invocation, &[]));

        let executions = join_all(attempts).await;

        room.world.hangs.store(false, Ordering::Relaxed);
        let count = |kind| {
            executions
                .iter()
                .filter(|e| matches!(&e.ending, Ending::Failed { failure, .. } if failure.kind == kind))
                .count()
        };
        assert_eq!((count(ErrorKind::Timeout), count(ErrorKind::Host)), (INSTANCES, 1), "{executions:#?}");
    }
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} guests did not end as they must:\n  {}", wrong.len(), wrong.join("\n  "));
}

#[tokio::test]
async fn every_guest_ends_as_it_must_and_leaves_nothing_behind() {
    let room = Room::new();
    let tame = tame(&room);
    let mut wrong = Vec::new();

    for guest in Hostile::ALL {
        for case in expected(guest) {
            let outcome = outcome(&room, guest, &case).await;
            wrong.extend(outcome.err().map(|why| format!("{} {why}", guest.name())));
        }
        assert_tame_guests_succeed(&room, &tame, guest.name()).await;
    }

    assert_none(&wrong);
    assert_all_instances_are_free(&room).await;
}

#[tokio::test]
async fn a_log_over_its_limit_is_cut_and_marked() {
    for guest in [Hostile::LogFlood, Hostile::StdoutFlood] {
        let room = Room::new();

        let execution = try_out(&room, guest, &Case::new(Expected::Succeeds("null")), &[]).await;

        let texts = room.world.texts();
        let kept: usize = texts.iter().map(String::len).sum();
        assert!(kept <= (1 << 20) + 16_384 && execution.spent.log_bytes <= 1 << 20, "{kept}");
        let last = texts.last().expect("there is a log");
        assert_eq!(last, "warn the log is full at 1048576 bytes; what follows is dropped", "{guest:?}");
    }
}

/// Endless guests without a budget that would end them, in a world that never answers.
fn patient(timeout_ms: u64) -> Case {
    let limits = Limits {
        fuel: None,
        timeout_ms,
        host_calls: u64::MAX,
        http_requests: u64::MAX,
        http_bytes: u64::MAX,
        ..Limits::default()
    };
    Case { limits, grants: everything(), hangs: true, ..Case::new(Expected::GivesUp) }
}

#[tokio::test]
async fn every_endless_guest_is_stopped_by_a_cancel() {
    let room = Room::new();
    let tame = tame(&room);
    let mut wrong = Vec::new();

    for guest in Hostile::ALL.into_iter().filter(|guest| guest.endless()) {
        let execution = try_out(&room, guest, &patient(3_600_000), &[Act::Cancel]).await;
        let reason = execution.stop.map(|stop| stop.reason);
        if (&execution.ending, reason) != (&Ending::Cancelled, Some(StopReason::Cancel)) {
            wrong.push(format!("{}: {execution:?}", guest.name()));
        }
        assert_tame_guests_succeed(&room, &tame, guest.name()).await;
    }

    assert_none(&wrong);
    assert_all_instances_are_free(&room).await;
}

#[tokio::test]
async fn every_endless_guest_is_ended_by_its_deadline() {
    let room = Room::new();
    let tame = tame(&room);
    let mut wrong = Vec::new();

    for guest in Hostile::ALL.into_iter().filter(|guest| guest.endless()) {
        let execution = try_out(&room, guest, &patient(50), &[]).await;
        let reason = execution.stop.map(|stop| stop.reason);
        let outcome = match (&execution.ending, reason) {
            (Ending::Failed { failure, .. }, Some(StopReason::Deadline)) => {
                told(failure, ErrorKind::Timeout, &["ran for ", "ms, limit 50ms"])
            }
            _ => Err(format!("should run to its deadline: {execution:?}")),
        };
        wrong.extend(outcome.err().map(|why| format!("{} {why}", guest.name())));
        assert_tame_guests_succeed(&room, &tame, guest.name()).await;
    }

    assert_none(&wrong);
    assert_all_instances_are_free(&room).await;
}

/// What this process has in memory, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has some");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib / 1024
}

#[tokio::test]
async fn what_a_thousand_traps_and_a_thousand_bombs_took_is_given_back() {
    for (guest, kind) in [(Hostile::Unreachable, ErrorKind::Trap), (Hostile::MemoryBomb, ErrorKind::Memory)] {
        let room = Room::new();
        let tame = tame(&room);
        assert_tame_guests_succeed(&room, &tame, "nothing").await;
        let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
        let invocation = invocation(&room, guest, &Case { limits, ..Case::new(Expected::GivesUp) });
        let before = resident_mib();

        for _ in 0..250 {
            for execution in join_all((0..4).map(|_| run(&room, &invocation, &[]))).await {
                let Ending::Failed { failure, .. } = execution.ending else { panic!("{execution:?}") };
                assert_eq!(failure.kind, kind, "{failure}");
            }
            assert_tame_guests_succeed(&room, &tame, guest.name()).await;
        }

        let after = resident_mib();
        assert!(after <= before + 64, "{guest:?}: {before} MiB before, {after} MiB after");
    }
}

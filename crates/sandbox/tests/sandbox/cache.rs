//! Compiled code: made once, kept, and never trusted without its checksum.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::attempt::StopReason;
use model::error::ErrorKind;
use model::id::Digest;
use model::retry::Ending;
use sandbox::{Config, Sandbox, StopHandle};

use crate::guests::{Guest, running};
use crate::room::{Room, assert_failed, sandbox_in};

fn code_files(room: &Room) -> Vec<PathBuf> {
    let entries = fs::read_dir(room.folder.path()).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "code")).collect()
}

/// Runs the component in a sandbox that has nothing in memory; says how it ended and whether it compiled.
async fn run_afresh(room: &mut Room) -> (Ending, u64) {
    let fresh: Arc<Sandbox> = sandbox_in(room.folder.path());
    room.sandbox = fresh;
    let execution = room.run(Guest::default().build()).await;
    (execution.ending, room.sandbox.compiled())
}

#[tokio::test]
async fn code_is_found_on_disk_by_the_next_process() {
    let mut room = Room::new();

    assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 1));
    assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 0));
    assert_eq!(room.shelf.fetched.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_file_that_was_altered_is_never_loaded_and_made_again() {
    let mut room = Room::new();
    run_afresh(&mut room).await;
    let file = code_files(&room).pop().expect("one file");
    let whole = fs::read(&file).expect("it can be read");
    let spots = [0, 8, 20, 40, whole.len() / 2, whole.len() - 1];

    for spot in spots {
        let mut altered = whole.clone();
        altered[spot] ^= 1;
        fs::write(&file, altered).expect("it can be written");
        assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 1), "a bit at {spot}");
        assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 0), "healed after {spot}");
    }
    for length in [0, 7, 39, 40, whole.len() - 1] {
        fs::write(&file, &whole[..length]).expect("it can be written");
        assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 1), "cut at {length}");
    }
}

#[tokio::test]
async fn the_file_of_another_component_is_not_taken() {
    let mut room = Room::new();
    room.run(running("(unreachable)")).await;
    let foreign = code_files(&room).pop().expect("one file");
    run_afresh(&mut room).await;
    let own = code_files(&room).into_iter().find(|path| *path != foreign).expect("a second file");

    fs::copy(&foreign, &own).expect("it can be copied");

    assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 1));
}

#[tokio::test]
async fn a_new_key_makes_every_file_foreign() {
    let mut room = Room::new();
    run_afresh(&mut room).await;

    fs::remove_file(room.folder.path().join("key")).expect("the key is there");

    assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 1));
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_costs_no_job() {
    let mut room = Room::new();
    let occupied = room.folder.path().join("file");
    fs::write(&occupied, "not a folder").expect("it can be written");
    room.sandbox = sandbox_in(&occupied);

    let execution = room.run(Guest::default().build()).await;

    assert_eq!(execution.ending, Ending::Succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_waiters_share_one_compilation() {
    let room = Room::new();
    let component = Guest::default().build();

    let attempts = (0..20).map(|_| room.run(component.clone()));
    let executions = futures::future::join_all(attempts).await;

    let ended = executions.iter().filter(|execution| execution.ending == Ending::Succeeded).count();
    assert_eq!((ended, room.sandbox.compiled()), (20, 1));
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_digest_never_run() {
    let room = Room::new();
    let digest = Digest::of(b"what was published");
    room.shelf.put_as(digest, Guest::default().build());
    let (_handle, stop) = StopHandle::pair();

    let execution = room.sandbox.run(&room.shelf, room.invocation(digest), room.world.clone(), stop).await;

    assert_failed(&execution, ErrorKind::InvalidModule, "has been altered");
    assert_eq!(room.sandbox.compiled(), 0);
}

#[tokio::test]
async fn a_component_that_cannot_be_had_now_is_the_hosts_fault() {
    let room = Room::new();
    let (_handle, stop) = StopHandle::pair();
    let invocation = room.invocation(Digest::of(b"gone"));

    let execution = room.sandbox.run(&room.shelf, invocation, room.world.clone(), stop).await;

    assert_failed(&execution, ErrorKind::Host, "no such component");
}

#[tokio::test]
async fn code_is_kept_when_nobody_waits_for_it_any_more() {
    let mut room = Room::new();
    let begun = room.folder.path().join("begun");
    let worker = env!("CARGO_BIN_EXE_compile-worker");
    let script = format!("/usr/bin/touch {}; exec {worker}", begun.display());
    let compile_command = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
    let config = Config { cache_dir: room.folder.path().to_owned(), compile_command, slots: 1 };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");
    let (handle, stop) = StopHandle::pair();

    let cancelling = async {
        until(|| begun.exists()).await;
        handle.stop(StopReason::Cancel);
    };
    let (execution, ()) = tokio::join!(room.run_until(Guest::default().build(), stop), cancelling);
    until(|| !code_files(&room).is_empty()).await;

    assert_eq!(execution.ending, Ending::Cancelled);
    assert_eq!(run_afresh(&mut room).await, (Ending::Succeeded, 0));
}

/// Waits for a fact without holding up the runtime.
async fn until(fact: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !fact() {
        assert!(Instant::now() < deadline, "it should have become true");
        tokio::task::yield_now().await;
    }
}

//! Compiled code: made once, kept, and never trusted without its checksum.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use guests::{Guest, running};
use model::attempt::{CodeOrigin, StopReason};
use model::error::ErrorKind;
use model::id::Digest;
use model::retry::Ending;
use sandbox::{Config, Sandbox, StopHandle};

use crate::room::{Room, assert_failed, config_in, sandbox_in};
use crate::told::{listen, told};

/// The files of compiled code that a room keeps.
pub(crate) fn code_files(room: &Room) -> Vec<PathBuf> {
    files_in(room.folder.path(), "code")
}

/// The files in a folder whose names end so.
pub(crate) fn files_in(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == ending)).collect()
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

    let attempts = (0..50).map(|_| room.run(component.clone()));
    let executions = futures::future::join_all(attempts).await;

    let ended = executions.iter().filter(|execution| execution.ending == Ending::Succeeded).count();
    assert_eq!((ended, room.sandbox.compiled()), (50, 1));
    assert_eq!(room.shelf.fetched.load(Ordering::Relaxed), 1);
    for execution in executions {
        assert_eq!(execution.usage.code, Some(CodeOrigin::Compiled), "it waited for the compiler");
        assert!(execution.usage.load_us > 1_000, "{:?}", execution.usage);
    }
}

#[tokio::test]
async fn an_attempt_says_where_its_code_came_from() {
    let mut room = Room::new();

    let compiled = origin(&room, 0).await;
    let memory = origin(&room, 0).await;
    room.sandbox = sandbox_in(room.folder.path());
    let disk = origin(&room, 0).await;

    assert_eq!((compiled, memory, disk), (CodeOrigin::Compiled, CodeOrigin::Memory, CodeOrigin::Disk));
}

/// Runs one of many components of one size; says where its code came from.
async fn origin(room: &Room, number: usize) -> CodeOrigin {
    let body = format!("(drop (i32.const {number})) (call $ok (i32.const 32) (i32.const 4))");
    let execution = room.run(running(&body)).await;
    assert_eq!(execution.ending, Ending::Succeeded);
    execution.usage.code.expect("it ran")
}

/// The size of the file of each such component.
async fn file_bytes() -> u64 {
    let room = Room::new();
    origin(&room, 0).await;
    total_bytes(&room)
}

fn total_bytes(room: &Room) -> u64 {
    code_files(room).iter().map(|file| fs::metadata(file).expect("it is there").len()).sum()
}

/// A room that keeps nothing in memory and so much on disk.
fn room_on_disk(disk_bytes_max: u64) -> Room {
    let mut room = Room::new();
    let config = Config { memory_bytes_max: 0, disk_bytes_max, ..config_in(room.folder.path()) };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");
    room
}

#[tokio::test]
async fn the_disk_keeps_what_was_used_last() {
    let most = 3 * file_bytes().await;
    let room = room_on_disk(most);

    for number in [0, 1, 2] {
        origin(&room, number).await;
    }
    assert_eq!(origin(&room, 0).await, CodeOrigin::Disk);
    assert_eq!(origin(&room, 3).await, CodeOrigin::Compiled);

    assert_eq!(total_bytes(&room), most);
    assert_eq!(origin(&room, 3).await, CodeOrigin::Disk);
    assert_eq!(origin(&room, 2).await, CodeOrigin::Disk);
    assert_eq!(origin(&room, 0).await, CodeOrigin::Disk);
    assert_eq!(origin(&room, 1).await, CodeOrigin::Compiled);
}

#[tokio::test]
async fn what_was_just_written_is_what_stays() {
    let most = file_bytes().await;
    let room = room_on_disk(most);

    for number in 0..5 {
        assert_eq!(origin(&room, number).await, CodeOrigin::Compiled);
        assert_eq!(origin(&room, number).await, CodeOrigin::Disk);
        assert_eq!(total_bytes(&room), most);
    }
}

#[tokio::test]
async fn code_that_is_larger_than_the_whole_disk_cache_runs_and_evicts_nothing() {
    let most = file_bytes().await;
    let room = room_on_disk(most);
    origin(&room, 0).await;
    let large = Guest { extra: &"(func (drop (i32.const 1)))".repeat(1_000), ..Guest::default() }.build();

    for _ in 0..2 {
        let execution = room.run(large.clone()).await;
        assert_eq!(execution.usage.code, Some(CodeOrigin::Compiled), "{:?}", execution.ending);
    }

    assert_eq!(origin(&room, 0).await, CodeOrigin::Disk);
}

#[tokio::test]
async fn a_lower_bound_holds_from_the_next_start_on() {
    let each = file_bytes().await;
    let mut room = room_on_disk(10 * each);
    for number in 0..5 {
        origin(&room, number).await;
    }

    let config = Config { memory_bytes_max: 0, disk_bytes_max: 2 * each, ..config_in(room.folder.path()) };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");

    assert_eq!(total_bytes(&room), 2 * each);
    assert_eq!(origin(&room, 4).await, CodeOrigin::Disk);
    assert_eq!(origin(&room, 3).await, CodeOrigin::Disk);
}

#[tokio::test]
async fn leftovers_are_deleted_and_the_files_of_others_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let digest = Digest::of(b"a component").to_string();
    let ours = ["new-old.code".to_owned(), format!("{digest}-0123456789abcdef-m.code")];
    let others = ["new-york.jpg", "old.code", "notes.txt", digest.as_str()];
    let long_ago = std::time::UNIX_EPOCH;
    for name in ours.iter().map(String::as_str).chain(others) {
        let file = File::create(folder.path().join(name)).expect("it can be made");
        file.set_len(1_000).expect("it can grow");
        file.set_modified(long_ago).expect("its time can be set");
    }
    fs::write(folder.path().join("new-young.code"), "being written").expect("it can be written");

    let config = Config { disk_bytes_max: 0, ..config_in(folder.path()) };
    drop(Sandbox::new(config).expect("the engines can be made"));

    for name in ours {
        assert!(!folder.path().join(&name).exists(), "{name}");
    }
    for name in others.into_iter().chain(["new-young.code"]) {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn memory_keeps_what_was_used_last() {
    let mut room = Room::new();
    let code_bytes = file_bytes().await - 40;
    let config = Config { memory_bytes_max: 2 * code_bytes, ..config_in(room.folder.path()) };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");

    for number in [0, 1] {
        origin(&room, number).await;
    }
    assert_eq!(origin(&room, 0).await, CodeOrigin::Memory);
    assert_eq!(origin(&room, 2).await, CodeOrigin::Compiled);

    assert_eq!(origin(&room, 2).await, CodeOrigin::Memory);
    assert_eq!(origin(&room, 0).await, CodeOrigin::Memory);
    assert_eq!(origin(&room, 1).await, CodeOrigin::Disk);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_share_a_folder() {
    listen();
    let first = Room::new();
    let mut second = Room::new();
    second.sandbox = sandbox_in(first.folder.path());

    let both = (0..10).flat_map(|number| [origin(&first, number), origin(&second, number)]);
    futures::future::join_all(both).await;

    assert_eq!(code_files(&first).len(), 10);
    let folder = first.folder.path().to_str().expect("its name is text");
    assert_eq!(told("WARN", folder), Vec::<String>::new());
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
    let config = Config { compile_command, ..config_in(room.folder.path()) };
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

//! Tasks that misbehave on purpose: a core module in the text format, wrapped into a component.

use std::path::{Path, PathBuf};

use guests::{Hostile, Tasks};

/// The tasks of [`guest`] and the bodies of their `run`. Payload and result are JSON texts at `$payload`.
const TASKS: [(&str, &str); 5] = [
    // Gives back its payload.
    ("echo", "(return (call $ok (local.get $payload) (local.get $payload_len)))"),
    // Computes for ever.
    ("spin", "(loop $again (br $again))"),
    // Sleeps for so many milliseconds as the payload says, and gives it back.
    (
        "nap",
        "(call $sleep (call $number (local.get $payload) (local.get $payload_len)))
         (return (call $ok (local.get $payload) (local.get $payload_len)))",
    ),
    // Says its payload wherever a guest can say something, and fails for good.
    (
        "shout",
        "(call $progress (i32.const 50) (local.get $payload) (local.get $payload_len))
         (call $log (i32.const 2) (local.get $payload) (local.get $payload_len))
         (return (call $err (i32.const 2) (local.get $payload) (local.get $payload_len) (i64.const 0)))",
    ),
    // Fails for good on the first attempt, and gives back its payload on any other.
    (
        "second_try",
        "(call $context (i32.const 2048))
         (if (i32.eq (i32.load (i32.const 2080)) (i32.const 1))
            (then (return (call $err (i32.const 2) (local.get $payload) (local.get $payload_len) (i64.const 0)))))
         (return (call $ok (local.get $payload) (local.get $payload_len)))",
    ),
];

/// Imports of [`TASKS`].
const IMPORTS: &str = r#"
  (import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))
  (import "jobs:task/progress@1.0.0" "report" (func $progress (param i32 i32 i32)))
  (import "jobs:task/context@1.0.0" "current" (func $context (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop (param i32)))"#;

/// Waits without computing, and reads numbers.
const HELPERS: &str = "
  (func $sleep (param $ms i64) (local $pollable i32)
    (local.set $pollable (call $after (i64.mul (local.get $ms) (i64.const 1000000))))
    (call $block (local.get $pollable))
    (call $drop (local.get $pollable)))
  (func $number (param $at i32) (param $len i32) (result i64)
    (local $i i32) (local $sum i64)
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $len))
        (then
          (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 10))
            (i64.sub (i64.load8_u (i32.add (local.get $at) (local.get $i))) (i64.const 48))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
    (local.get $sum))";

/// A component with the tasks `echo`, `spin`, `nap`, `shout` and `second_try`, written into `folder`.
#[must_use]
pub fn guest(folder: &Path) -> PathBuf {
    let tasks = Tasks { imports: IMPORTS, extra: HELPERS, tasks: &TASKS };
    write(folder, "guest.wasm", &tasks.build())
}

/// A component with a task `greedy` that asks for HTTP.
#[must_use]
pub fn greedy_guest(folder: &Path) -> PathBuf {
    let imports = r#"(import "jobs:task/http@1.0.0" "send" (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;
    let tasks = Tasks { imports, extra: "", tasks: &[("greedy", "(unreachable)")] };
    write(folder, "greedy.wasm", &tasks.build())
}

/// A component with a task `parent` that makes a job of `echo` with its payload, and fails its first attempt after
/// that; any other gives back its payload.
#[must_use]
pub fn parent_guest(folder: &Path) -> PathBuf {
    const IMPORTS: &str = r#"
        (import "jobs:task/queue@1.0.0" "enqueue"
            (func $enqueue (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
        (import "jobs:task/context@1.0.0" "current" (func $context (param i32)))"#;
    const RUN: &str = "
        (call $enqueue (i32.const 1536) (i32.const 4) (local.get $payload) (local.get $payload_len)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
            (i32.const 2304))
        (if (i32.load8_u (i32.const 2304))
            (then (return (call $err (i32.const 2)
                (i32.load (i32.const 2308)) (i32.load (i32.const 2312)) (i64.const 0)))))
        (call $context (i32.const 2048))
        (if (i32.eq (i32.load (i32.const 2080)) (i32.const 1))
            (then (return (call $err (i32.const 0) (local.get $payload) (local.get $payload_len) (i64.const 0)))))
        (return (call $ok (local.get $payload) (local.get $payload_len)))";
    let extra = r#"(data (i32.const 1536) "echo")"#;
    write(folder, "parent.wasm", &Tasks { imports: IMPORTS, extra, tasks: &[("parent", RUN)] }.build())
}

/// A component with a task `resume`: an attempt that finds no checkpoint saves what stands within the brackets of its
/// payload, and fails; any other gives back what it finds.
#[must_use]
pub fn resuming_guest(folder: &Path) -> PathBuf {
    const IMPORTS: &str = r#"
        (import "jobs:task/checkpoint@1.0.0" "load" (func $load (param i32)))
        (import "jobs:task/checkpoint@1.0.0" "save" (func $save (param i32 i32 i32)))"#;
    const RUN: &str = "
        (call $load (i32.const 2048))
        (if (i32.load8_u (i32.const 2048))
            (then (return (call $ok (i32.load (i32.const 2052)) (i32.load (i32.const 2056))))))
        (call $save (i32.add (local.get $payload) (i32.const 1))
            (i32.sub (local.get $payload_len) (i32.const 2)) (i32.const 2064))
        (if (i32.load8_u (i32.const 2064))
            (then (return (call $err (i32.const 2)
                (i32.load (i32.const 2068)) (i32.load (i32.const 2072)) (i64.const 0)))))
        (return (call $err (i32.const 0) (local.get $payload) (local.get $payload_len) (i64.const 0)))";
    write(folder, "resuming.wasm", &Tasks { imports: IMPORTS, extra: "", tasks: &[("resume", RUN)] }.build())
}

/// A component with a task `nap_and_call` that sleeps for four seconds, then requests the URL that its payload is, and
/// returns `null`.
#[must_use]
pub fn calling_guest(folder: &Path) -> PathBuf {
    const CALL: &str = r#"
        (import "jobs:task/http@1.0.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
        (data (i32.const 1536) "GET")
        (data (i32.const 1540) "null")"#;
    const RUN: &str = "
        (call $sleep (i64.const 4000))
        (call $send (i32.const 1536) (i32.const 3)
            (i32.add (local.get $payload) (i32.const 1)) (i32.sub (local.get $payload_len) (i32.const 2))
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 2304))
        (if (i32.load8_u (i32.const 2304)) (then (return
            (call $err (i32.const 2) (i32.load (i32.const 2312)) (i32.load (i32.const 2316)) (i64.const 0)))))
        (return (call $ok (i32.const 1540) (i32.const 4)))";
    let imports = format!("{IMPORTS}{CALL}");
    let tasks = Tasks { imports: &imports, extra: HELPERS, tasks: &[("nap_and_call", RUN)] };
    write(folder, "calling.wasm", &tasks.build())
}

/// A guest of the gallery, whose one task has its name.
#[must_use]
pub fn hostile_guest(folder: &Path, guest: Hostile) -> PathBuf {
    write(folder, &format!("{}.wasm", guest.name()), &guest.component())
}

/// A core module, which is no component.
#[must_use]
pub fn module(folder: &Path) -> PathBuf {
    write(folder, "module.wasm", &guests::module())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("the folder can be written");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_are_components() {
        let folder = tempfile::tempdir().expect("a folder");

        for make in [guest, greedy_guest, parent_guest, resuming_guest, calling_guest] {
            let path = make(folder.path());
            let head = std::fs::read(path).expect("it was written");
            assert_eq!(head[..8], *b"\0asm\x0d\0\x01\0");
        }
    }
}

//! Tasks that misbehave on purpose: a core module in the text format, wrapped into a component.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

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
         (return (call $err (i32.const 2) (local.get $payload) (local.get $payload_len)))",
    ),
    // Fails for good on the first attempt, and gives back its payload on any other.
    (
        "second_try",
        "(call $context (i32.const 600))
         (if (i32.eq (i32.load (i32.const 632)) (i32.const 1))
            (then (return (call $err (i32.const 2) (local.get $payload) (local.get $payload_len)))))
         (return (call $ok (local.get $payload) (local.get $payload_len)))",
    ),
];

/// What the guest sees of the world, besides what every task may use: a clock to wait for.
const WIT: &str = r"
package stories:guest;

world guest {
    include jobs:task/task@1.0.0;
    import wasi:clocks/monotonic-clock@0.2.6;
}

world greedy {
    include jobs:task/full@1.0.0;
}

package wasi:io@0.2.6 {
    interface poll {
        resource pollable { block: func(); }
    }
}

package wasi:clocks@0.2.6 {
    interface monotonic-clock {
        use wasi:io/poll@0.2.6.{pollable};
        subscribe-duration: func(when: u64) -> pollable;
    }
}
";

/// Where the names lie, 32 bytes each; the list of descriptions begins at [`DESCRIPTIONS`].
const NAMES: usize = 2048;
const DESCRIPTIONS: usize = 4096;

/// Bytes of one `description` in memory.
const DESCRIPTION_BYTES: usize = 96;

/// A component with the tasks `echo`, `spin`, `nap`, `shout` and `second_try`, written into `folder`.
#[must_use]
pub fn guest(folder: &Path) -> PathBuf {
    write(folder, "guest.wasm", &component(&TASKS, CLOCKS, "guest"))
}

/// A component with a task `greedy` that asks for HTTP.
#[must_use]
pub fn greedy_guest(folder: &Path) -> PathBuf {
    let http = r#"(import "jobs:task/http@1.0.0" "send" (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;
    write(folder, "greedy.wasm", &component(&[("greedy", "(unreachable)")], http, "greedy"))
}

/// A component with a task `parent` that makes a job of `echo` with its payload, and fails its first attempt after
/// that; any other gives back its payload.
#[must_use]
pub fn parent_guest(folder: &Path) -> PathBuf {
    const QUEUE: &str = r#"(import "jobs:task/queue@1.0.0" "enqueue"
        (func $enqueue (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;
    const RUN: &str = "
        (call $enqueue (i32.const 1536) (i32.const 4) (local.get $payload) (local.get $payload_len)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
            (i32.const 640))
        (if (i32.load8_u (i32.const 640))
            (then (return (call $err (i32.const 2) (i32.load (i32.const 644)) (i32.load (i32.const 648))))))
        (call $context (i32.const 600))
        (if (i32.eq (i32.load (i32.const 632)) (i32.const 1))
            (then (return (call $err (i32.const 0) (local.get $payload) (local.get $payload_len)))))
        (return (call $ok (local.get $payload) (local.get $payload_len)))";
    write(folder, "parent.wasm", &component(&[("parent", RUN)], QUEUE, "greedy"))
}

/// A component with a task `resume`: an attempt that finds no checkpoint saves what stands within the brackets of its
/// payload, and fails; any other gives back what it finds.
#[must_use]
pub fn resuming_guest(folder: &Path) -> PathBuf {
    const CHECKPOINT: &str = r#"
        (import "jobs:task/checkpoint@1.0.0" "load" (func $load (param i32)))
        (import "jobs:task/checkpoint@1.0.0" "save" (func $save (param i32 i32 i32)))"#;
    const RUN: &str = "
        (call $load (i32.const 640))
        (if (i32.load8_u (i32.const 640))
            (then (return (call $ok (i32.load (i32.const 644)) (i32.load (i32.const 648))))))
        (call $save (i32.add (local.get $payload) (i32.const 1))
            (i32.sub (local.get $payload_len) (i32.const 2)) (i32.const 656))
        (if (i32.load8_u (i32.const 656))
            (then (return (call $err (i32.const 2) (i32.load (i32.const 660)) (i32.load (i32.const 664))))))
        (return (call $err (i32.const 0) (local.get $payload) (local.get $payload_len)))";
    write(folder, "resuming.wasm", &component(&[("resume", RUN)], CHECKPOINT, "guest"))
}

/// A core module, which is no component.
#[must_use]
pub fn module(folder: &Path) -> PathBuf {
    write(folder, "module.wasm", &wat::parse_str("(module)").expect("it is valid"))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("the folder can be written");
    path
}

/// Imports that only the clock's users have, and the function made of them.
const CLOCKS: &str = r#"
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop (param i32)))
"#;

fn component(tasks: &[(&str, &str)], imports: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(crate::project().join("wit")).expect("the WIT is valid");
    let package = resolve.push_str("guest.wit", WIT).expect("the WIT of the guests is valid");
    let world = resolve.select_world(&[package], Some(world)).expect("the world is there");
    let mut module = wat::parse_str(core(tasks, imports)).expect("the guest's text is valid");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("it fits the world");
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("it is a module");
    encoder.encode().expect("it becomes a component")
}

fn core(tasks: &[(&str, &str)], imports: &str) -> String {
    let mut data = String::new();
    let mut run = String::new();
    for (index, (name, body)) in tasks.iter().enumerate() {
        let name_at = NAMES + 32 * index;
        let fields = [name_at, name.len()].map(|field| u32::try_from(field).expect("memory is small"));
        let description_at = DESCRIPTIONS + DESCRIPTION_BYTES * index;
        let _ = writeln!(data, r#"(data (i32.const {name_at}) "{name}")"#);
        let _ = writeln!(data, r#"(data (i32.const {description_at}) "{}")"#, little_endian(&fields));
        let is_named = format!(
            "(call $is (local.get $task) (local.get $task_len) (i32.const {name_at}) (i32.const {}))",
            name.len()
        );
        let _ = writeln!(run, "(if {is_named} (then {body}))");
    }
    let list = [DESCRIPTIONS, tasks.len()].map(|field| u32::try_from(field).expect("memory is small"));
    let _ = writeln!(data, r#"(data (i32.const 1024) "{}")"#, little_endian(&list));
    let sleep = if imports.contains("$after") { SLEEP } else { "" };
    format!("(module {imports} {BASICS} {data} {sleep}\n{RUN_HEAD}\n{run} (unreachable)))")
}

fn little_endian(fields: &[u32]) -> String {
    fields.iter().flat_map(|field| field.to_le_bytes()).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}

const RUN_HEAD: &str = r#"(func (export "jobs:task/guest@1.0.0#run")
    (param $task i32) (param $task_len i32) (param $payload i32) (param $payload_len i32) (result i32)"#;

/// Waits without computing.
const SLEEP: &str = "
  (func $sleep (param $ms i64) (local $pollable i32)
    (local.set $pollable (call $after (i64.mul (local.get $ms) (i64.const 1000000))))
    (call $block (local.get $pollable))
    (call $drop (local.get $pollable)))";

/// Memory (room for the largest payload), an allocator that never frees, the answers, and what reads texts. Answers lie at 512.
const BASICS: &str = r#"
  (import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))
  (import "jobs:task/progress@1.0.0" "report" (func $progress (param i32 i32 i32)))
  (import "jobs:task/context@1.0.0" "current" (func $context (param i32)))
  (memory (export "memory") 40)
  (data (i32.const 1536) "echo")
  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $ok (param i32 i32) (result i32)
    (i32.store (i32.const 512) (i32.const 0))
    (i32.store (i32.const 520) (local.get 0))
    (i32.store (i32.const 524) (local.get 1))
    (i32.const 512))
  (func $err (param $kind i32) (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 512) (i32.const 1))
    (i32.store (i32.const 520) (local.get $kind))
    (i32.store (i32.const 528) (local.get $at))
    (i32.store (i32.const 532) (local.get $len))
    (i32.const 512))
  (func $is (param $a i32) (param $a_len i32) (param $b i32) (param $b_len i32) (result i32)
    (local $i i32)
    (if (i32.ne (local.get $a_len) (local.get $b_len)) (then (return (i32.const 0))))
    (loop $next
      (if (i32.eq (local.get $i) (local.get $a_len)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (i32.add (local.get $a) (local.get $i)))
                  (i32.load8_u (i32.add (local.get $b) (local.get $i)))) (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))
    (unreachable))
  (func $number (param $at i32) (param $len i32) (result i64)
    (local $i i32) (local $sum i64)
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $len))
        (then
          (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 10))
            (i64.sub (i64.load8_u (i32.add (local.get $at) (local.get $i))) (i64.const 48))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
    (local.get $sum))
  (func (export "jobs:task/guest@1.0.0#describe") (result i32) (i32.const 1024))
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_are_components() {
        let folder = tempfile::tempdir().expect("a folder");

        for make in [guest, greedy_guest, parent_guest, resuming_guest] {
            let path = make(folder.path());
            let head = std::fs::read(path).expect("it was written");
            assert_eq!(head[..8], *b"\0asm\x0d\0\x01\0");
        }
    }
}

//! Guests: a core module in the text format, wrapped into a component of the world `full`.
//!
//! Every guest has one task `t`, the text `null` at 32 and `boom` at 48 of its memory, `$ok` and `$err` to answer
//! with, and 8 KiB of free memory from 8192 on.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What differs from guest to guest.
pub(crate) struct Guest<'a> {
    /// Imports of the core module.
    pub(crate) imports: &'a str,
    /// More functions, memories, data.
    pub(crate) extra: &'a str,
    /// The body of `run`, which has the parameters `$task $task_len $payload $payload_len`.
    pub(crate) run: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self { imports: "", extra: "", run: "(call $ok (i32.const 32) (i32.const 4))" }
    }
}

impl Guest<'_> {
    /// The component's bytes.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
        let (package, _) = resolve.push_dir(wit).expect("the WIT is valid");
        encode(&self.core(), &resolve, package, "full")
    }

    /// The component's bytes for a world `w` of another package, in which `jobs:task` can be named.
    pub(crate) fn build_for(&self, wit: &str) -> Vec<u8> {
        let mut resolve = Resolve::default();
        resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).expect("the WIT is valid");
        let package = resolve.push_str("other.wit", wit).expect("the test's WIT is valid");
        encode(&self.core(), &resolve, package, "w")
    }

    fn core(&self) -> String {
        let Self { imports, extra, run } = self;
        format!(
            r#"(module
  {imports}
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 65536))
  (data (i32.const 16) "t")
  (data (i32.const 32) "null")
  (data (i32.const 48) "boom")
  (data (i32.const 1024) "\10\04\00\00\01\00\00\00")
  (data (i32.const 1040) "\10\00\00\00\01\00\00\00")
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
  (func $err (param $kind i32) (param $at i32) (param $len i32) (param $ms i64) (result i32)
    (i32.store (i32.const 512) (i32.const 1))
    (i32.store (i32.const 520) (local.get $kind))
    (i32.store (i32.const 528) (local.get $at))
    (i32.store (i32.const 532) (local.get $len))
    (i64.store (i32.const 536) (local.get $ms))
    (i32.const 512))
  (func (export "jobs:task/guest@1.0.0#describe") (result i32) (i32.const 1024))
  (func $run (export "jobs:task/guest@1.0.0#run")
    (param $task i32) (param $task_len i32) (param $payload i32) (param $payload_len i32) (result i32)
    {run})
  {extra})"#
        )
    }
}

/// A component whose `run` has this body.
pub(crate) fn running(run: &str) -> Vec<u8> {
    Guest { run, ..Guest::default() }.build()
}

fn encode(core: &str, resolve: &Resolve, package: wit_parser::PackageId, world: &str) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world)).expect("the world is there");
    let mut module = wat::parse_str(core).expect("the guest's text is valid");
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("it fits the world");
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("it is a module");
    encoder.encode().expect("it becomes a component")
}

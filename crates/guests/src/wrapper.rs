//! A core module around some fields of the text format, and a component around the module.

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract of the project.
const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");

/// A world of a package in which `jobs:task` can be named.
pub(crate) struct World<'a> {
    pub(crate) wit: &'a str,
    pub(crate) name: &'a str,
}

/// All of `jobs:task`, and what the guests of tests use of WASI. What a guest does not import is left out of its
/// component.
pub(crate) const EVERYTHING: World<'static> =
    World { wit: include_str!("everything.wit"), name: "everything" };

/// Where the tasks' names and descriptions lie in memory.
const NAMES: usize = 32_768;
const DESCRIPTIONS: usize = 40_960;

/// Bytes kept for a name, and bytes of one `description`.
const NAME_BYTES: usize = 64;
const DESCRIPTION_BYTES: usize = 96;

/// As many as there is room for.
const TASKS_MAX: usize = (DESCRIPTIONS - NAMES) / NAME_BYTES;

/// Where the name of the n-th task lies.
pub(crate) fn name_at(index: usize) -> usize {
    NAMES + NAME_BYTES * index
}

/// What a core module is made of.
pub(crate) struct Module<'a> {
    pub(crate) tasks: &'a [&'a str],
    pub(crate) imports: &'a str,
    /// Its own imports first, then at least `$run`. What it defines of `$realloc`, `$describe` and an exported
    /// memory stands in for the wrapper's.
    pub(crate) fields: &'a str,
}

impl Module<'_> {
    pub(crate) fn component(&self, world: &World<'_>) -> Vec<u8> {
        let mut resolve = Resolve::default();
        resolve.push_dir(CONTRACT).expect("the contract is valid");
        let package = resolve.push_str("world.wit", world.wit).expect("the WIT is valid");
        let world = resolve.select_world(&[package], Some(world.name)).expect("the world is there");
        let mut module =
            wat::parse_str(self.text()).unwrap_or_else(|error| panic!("{:?}: {error}", self.tasks));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("it fits the world");
        let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("it is a module");
        encoder.encode().unwrap_or_else(|error| panic!("{:?}: {error:#}", self.tasks))
    }

    /// Imports come first in a module, so the given fields stand before the wrapper's.
    fn text(&self) -> String {
        let Self { imports, fields, .. } = self;
        let mut text = format!("(module\n{imports}\n{fields}\n{BASICS}\n{}", self.descriptions());
        for (sign, default) in
            [("\"memory\"", MEMORY), ("(func $realloc", REALLOC), ("(func $describe", DESCRIBE)]
        {
            if !fields.contains(sign) {
                text.push_str(default);
            }
        }
        text.push(')');
        text
    }

    fn descriptions(&self) -> String {
        assert!(self.tasks.len() <= TASKS_MAX, "there is room for {TASKS_MAX} tasks");
        let mut data = String::new();
        for (index, name) in self.tasks.iter().enumerate() {
            assert!(name.len() < NAME_BYTES, "{name:?} is no name of a task");
            let _ = writeln!(data, r#"(data (i32.const {}) "{name}")"#, name_at(index));
            let description = little_endian([name_at(index), name.len()]);
            let at = DESCRIPTIONS + DESCRIPTION_BYTES * index;
            let _ = writeln!(data, r#"(data (i32.const {at}) "{description}")"#);
        }
        let list = little_endian([DESCRIPTIONS, self.tasks.len()]);
        let _ = writeln!(data, r#"(data (i32.const 1024) "{list}")"#);
        data
    }
}

fn little_endian(fields: [usize; 2]) -> String {
    let fields = fields.map(|field| u32::try_from(field).expect("memory is small"));
    fields.into_iter().flat_map(u32::to_le_bytes).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}

/// What every guest has.
const BASICS: &str = r#"
  (type $run (func (param i32 i32 i32 i32) (result i32)))
  (export "jobs:task/guest@1.0.0#run" (func $run))
  (export "jobs:task/guest@1.0.0#describe" (func $describe))
  (export "cabi_realloc" (func $realloc))
  (data (i32.const 16) "t")
  (data (i32.const 32) "null")
  (data (i32.const 48) "boom")
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
"#;

const MEMORY: &str = r#"
  (memory $memory (export "memory") 2)
"#;

/// Gives away what lies after the last piece, and asks for more memory where there is none.
const REALLOC: &str = "
  (global $top (mut i32) (i32.const 65536))
  (func $realloc (param i32 i32 i32 i32) (result i32)
    (local $at i32) (local $short i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.set $short (i32.sub (i32.shr_u (i32.add (global.get $top) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $short) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $short)) (i32.const -1)) (then (unreachable)))))
    (local.get $at))
";

const DESCRIBE: &str = "
  (func $describe (result i32) (i32.const 1024))
";

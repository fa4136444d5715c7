//! A component with one task `t`, which imports what it is told to.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Imports `jobs:task/mail`.
pub(crate) const MAIL: &str = r#"(import "jobs:task/mail@1.0.0" "send"
    (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;

/// A component whose core module has these imports.
pub(crate) fn importing(imports: &str) -> Vec<u8> {
    let core = format!(
        r#"(module
  {imports}
  (memory (export "memory") 2)
  (data (i32.const 16) "t")
  (data (i32.const 1024) "\10\04\00\00\01\00\00\00")
  (data (i32.const 1040) "\10\00\00\00\01\00\00\00")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "jobs:task/guest@1.0.0#describe") (result i32) (i32.const 1024))
  (func (export "jobs:task/guest@1.0.0#run") (param i32 i32 i32 i32) (result i32) (unreachable)))"#
    );
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let (package, _) = resolve.push_dir(wit).expect("the WIT is valid");
    let world = resolve.select_world(&[package], Some("full")).expect("the world is there");
    let mut module = wat::parse_str(core).expect("the guest's text is valid");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("it fits the world");
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("it is a module");
    encoder.encode().expect("it becomes a component")
}

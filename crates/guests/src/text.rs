//! Guests that a test writes down where it needs them.

use std::fmt::Write as _;

use crate::wrapper::{EVERYTHING, Module, World, name_at};

/// A guest with one task `t`, in pieces of the text format.
///
/// Its memory is exported, has two pages and this in it:
///
/// ```text
///        16  t
///        32  null
///        48  boom
///       512  what $ok and $err answer
///      1024  what `describe` answers
///      1536  … 32767: free for the guest
///     65536  … what cabi_realloc gave away; it never frees
/// ```
///
/// `(call $ok (at) (bytes))` makes the answer of a success, `(call $err (kind) (at) (bytes) (ms: i64))` that of a
/// failure: 0 retryable, 1 retry after so many milliseconds, 2 permanent.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'a> {
    /// Imports of the core module: anything of `jobs:task`, and what the tests' WIT knows of WASI.
    pub imports: &'a str,
    /// More functions, memories, data.
    pub extra: &'a str,
    /// The body of `run`, which has the parameters `$task $task_len $payload $payload_len`.
    pub run: &'a str,
}

impl Default for Guest<'_> {
    /// Succeeds with `null`.
    fn default() -> Self {
        Self { imports: "", extra: "", run: "(call $ok (i32.const 32) (i32.const 4))" }
    }
}

impl Guest<'_> {
    /// The component's bytes.
    ///
    /// # Panics
    /// When the text is not valid.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        self.wrapped(&EVERYTHING)
    }

    /// The component's bytes for a world `w` of another package, in which `jobs:task` can be named.
    ///
    /// # Panics
    /// When the text or the WIT is not valid.
    #[must_use]
    pub fn build_for(&self, wit: &str) -> Vec<u8> {
        self.wrapped(&World { wit, name: "w" })
    }

    fn wrapped(&self, world: &World<'_>) -> Vec<u8> {
        let fields = format!("{}\n{}", function(self.run), self.extra);
        Module { tasks: &["t"], imports: self.imports, fields: &fields }.component(world)
    }
}

/// A component whose `run` has this body.
///
/// # Panics
/// When the text is not valid.
#[must_use]
pub fn running(run: &str) -> Vec<u8> {
    Guest { run, ..Guest::default() }.build()
}

/// A guest with several tasks, of which each has a body of `run` like that of [`Guest`] that returns its answer.
#[derive(Debug, Clone, Copy)]
pub struct Tasks<'a> {
    /// See [`Guest::imports`].
    pub imports: &'a str,
    /// See [`Guest::extra`].
    pub extra: &'a str,
    /// Names, 63 bytes at the most, and bodies.
    pub tasks: &'a [(&'a str, &'a str)],
}

impl Tasks<'_> {
    /// The component's bytes.
    ///
    /// # Panics
    /// When the text is not valid.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut run = String::new();
        for (index, (name, body)) in self.tasks.iter().enumerate() {
            let (at, length) = (name_at(index), name.len());
            let named = format!(
                "(call $is (local.get $task) (local.get $task_len) (i32.const {at}) (i32.const {length}))"
            );
            let _ = writeln!(run, "(if {named} (then {body}))");
        }
        run.push_str("(unreachable)");
        let fields = format!("{}\n{IS}\n{}", function(&run), self.extra);
        let names: Vec<&str> = self.tasks.iter().map(|(name, _)| *name).collect();
        Module { tasks: &names, imports: self.imports, fields: &fields }.component(&EVERYTHING)
    }
}

/// A core module, which is no component.
///
/// # Panics
/// Never.
#[must_use]
pub fn module() -> Vec<u8> {
    wat::parse_str("(module)").expect("it is valid")
}

fn function(body: &str) -> String {
    format!(
        "(func $run (param $task i32) (param $task_len i32) (param $payload i32) (param $payload_len i32) (result i32)
    {body})"
    )
}

/// Whether two texts are one.
const IS: &str = "
  (func $is (param $a i32) (param $a_len i32) (param $b i32) (param $b_len i32) (result i32)
    (local $i i32)
    (if (i32.ne (local.get $a_len) (local.get $b_len)) (then (return (i32.const 0))))
    (loop $next
      (if (i32.eq (local.get $i) (local.get $a_len)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (i32.add (local.get $a) (local.get $i)))
                  (i32.load8_u (i32.add (local.get $b) (local.get $i)))) (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))
    (unreachable))";

#[cfg(test)]
mod tests {
    use super::*;

    /// How each component begins: the magic number, a version, and that it is no core module.
    const HEAD: [u8; 8] = *b"\0asm\x0d\0\x01\0";

    #[test]
    fn text_becomes_a_component() {
        let answer = "(return (call $ok (local.get $payload) (local.get $payload_len)))";

        let one = running(answer);
        let several = Tasks { imports: "", extra: "", tasks: &[("a", answer), ("b", answer)] }.build();

        assert_eq!((&one[..8], &several[..8]), (&HEAD[..], &HEAD[..]));
        assert_ne!(module()[..8], HEAD);
    }
}

//! A component with one task `t`, which imports what it is told to.

use guests::Guest;

/// Imports `jobs:task/mail`.
pub(crate) const MAIL: &str = r#"(import "jobs:task/mail@1.0.0" "send"
    (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;

/// A component whose core module has these imports.
pub(crate) fn importing(imports: &str) -> Vec<u8> {
    Guest { imports, run: "(unreachable)", ..Guest::default() }.build()
}

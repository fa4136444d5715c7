//! Makes a task a plain Rust function.

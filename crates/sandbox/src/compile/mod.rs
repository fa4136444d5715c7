//! Compiling, which is dangerous: a small and valid component can ask the compiler for half a minute and
//! gigabytes. So: cheap checks first ([`precheck`]), then a child process with limits ([`worker`]), watched by
//! its parent ([`parent`]).

pub(crate) mod parent;
pub(crate) mod precheck;
pub(crate) mod worker;

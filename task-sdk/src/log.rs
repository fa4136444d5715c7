//! Lines in the job's log.
//!
//! Standard output and error go there too, so `println!` works; these lines carry a level. In a native test they
//! are recorded, and printed to standard error.
//!
//! ```
//! use task_sdk::log;
//!
//! let rows = 600;
//! log::info!("read {rows} rows");
//! log::warn!("{} rows have no price", 3);
//! log::write(log::Level::Debug, "as a function");
//! ```

use std::fmt::Display;

use crate::host;

pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// What happened.
    Info,
    /// It went on, but somebody may want to know.
    Warn,
    /// It did not go on.
    Error,
}

/// Writes one line. The host cuts it at 8 KiB, and drops lines once the log of the attempt is full.
pub fn write(level: Level, message: impl Display) {
    host::log(level, &message.to_string());
}

#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Trace, ::core::format_args!($($argument)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Debug, ::core::format_args!($($argument)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Info, ::core::format_args!($($argument)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Warn, ::core::format_args!($($argument)+))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($argument:tt)+) => {
        $crate::log::write($crate::log::Level::Error, ::core::format_args!($($argument)+))
    };
}

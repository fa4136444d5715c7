//! Guests for tests and benchmarks: the one place where WAT becomes a component of our world.
//!
//! [`Guest`] wraps a few lines of the text format, [`Tasks`] several tasks of one component, and [`Hostile`] is the
//! gallery of guests that mean harm.
//!
//! ```
//! let component = guests::running("(loop $again (br $again)) (unreachable)");
//! assert_eq!(guests::Hostile::TightLoop.name(), "tight_loop");
//! # assert_eq!(component[..4], *b"\0asm");
//! ```

mod hostile;
mod text;
mod wrapper;

pub use hostile::Hostile;
pub use text::{Guest, Tasks, module, running};

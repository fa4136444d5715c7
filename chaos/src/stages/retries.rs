//! Jobs that fail: traps, retries, parked ones.

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[];

//! What comes through the front door: payloads, keys, cancels, interrupts.

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[];

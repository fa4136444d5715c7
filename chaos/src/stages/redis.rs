//! Redis that is emptied, away, frozen, full or full of junk.

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[];

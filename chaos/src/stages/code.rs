//! What becomes of code that is lost, spoilt or changed: caches, components, compiling.

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[];

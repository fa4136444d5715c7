//! Lines that are cut or silent, and clocks that are wrong.

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[];

//! Schedulers that are killed, stopped and deposed.

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[];

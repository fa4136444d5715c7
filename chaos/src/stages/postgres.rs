//! PostgreSQL that restarts, is away, locked, full or slow.

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[];

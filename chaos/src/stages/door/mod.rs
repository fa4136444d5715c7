//! What comes through the front door: payloads, keys, cancels, interrupts.

mod cancels;
mod endless;
mod interrupts;
mod keys;
mod payloads;

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "payloads",
        fault: "payloads of 0 B, limit, limit + 1, 100 MB, never-ending; uploads, input and headers without end",
        pass: "a documented limit, refused without reading it all",
        run: payloads::of_every_size,
    },
    Stage {
        name: "same-keys",
        fault: "50 clients with the same 200 keys at once; same key with other content",
        pass: "one job a key, all told the same id; conflict said",
        run: keys::same,
    },
    Stage {
        name: "cancelled-anywhere",
        fault: "cancel while scheduled, queued, claimed, compiling, running, finishing: 500 each at random delay",
        pass: "ends cancelled or succeeded, never both, never stuck; the answer says which",
        run: cancels::anywhere,
    },
    Stage {
        name: "interrupts",
        fault: "interrupt for a finished attempt, a wrong token, a wrong host, twice",
        pass: "clear status, idempotent",
        run: interrupts::astray,
    },
];

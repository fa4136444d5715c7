//! `jobctl dev` that is killed and copied.

mod copied;
mod dev;
mod killed;
mod truth;

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "dev-killed",
        fault: "`jobctl dev` killed -9 a hundred times at random moments under load: while it starts, migrates, publishes",
        pass: "I1, I2; a second process on the folder is refused",
        run: killed::at_random,
    },
    Stage {
        name: "dev-copied",
        fault: "the data folder of `jobctl dev` copied while it runs, one file after another",
        pass: "each copy opens as a system of its own; I1, I2 for what was acknowledged before it was begun",
        run: copied::while_it_runs,
    },
];

//! Schedules that fire each second while leaders, clocks and backends break.

mod backends;
mod clocks;
mod deposed;
mod fates;
mod killed;
mod made;
mod missed;

use std::time::Duration;

use crate::stage::Stage;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "schedules-leader-killed",
        fault: "leader killed every 5 to 7 s for a minute while 24 schedules fire each second",
        pass: "one job for each instant, none missing, none early, none later than a take-over and a second",
        run: killed::leader,
    },
    Stage {
        name: "schedules-missed",
        fault: "all schedulers down for longer than `--missed-after`; schedules that nobody looked at for ten minutes",
        pass: "missed instants are skipped or made up for as each schedule says, within bounds, none twice",
        run: missed::all_down,
    },
    Stage {
        name: "schedules-clock-off",
        fault: "clock of the leader an hour ahead, behind, ten years ahead while schedules fire each second",
        pass: "instants by the database's clock: one job for each, none early, none missing",
        run: clocks::off,
    },
    Stage {
        name: "schedules-deposed",
        fault: "leader stopped past its term and continued, and its row handed to another, as schedules fire",
        pass: "two who believe they lead make one job for each instant, none missing",
        run: deposed::twice_led,
    },
    Stage {
        name: "schedules-backends",
        fault: "Postgres restarted in immediate mode, Redis emptied, as schedules fire each second",
        pass: "one job for each instant, none missing; all that is due has fired within 10 s",
        run: backends::broken,
    },
];

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(30);

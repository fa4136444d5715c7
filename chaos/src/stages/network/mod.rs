//! Cuts and silences between the parts.

mod hosts;
mod interrupts;
mod late;
mod leaders;

use testkit::link::{Link, Way};

use crate::load::{Load, LoadPlan, Work};
use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "net-host-postgres",
        fault: "network cut host–Postgres, refused, silent, and silent one way",
        pass: "as a stopped host: its jobs elsewhere within the lease + 2 s, it ends its guests by its own clock, \
               goes on by itself",
        run: hosts::postgres,
    },
    Stage {
        name: "net-host-redis",
        fault: "network cut host–Redis, refused, silent, and silent one way",
        pass: "as Redis down for that host: others go on, it finishes what runs and takes jobs within 10 s after",
        run: hosts::redis,
    },
    Stage {
        name: "net-scheduler-host",
        fault: "network cut scheduler–host, refused, silent, and silent one way; a job there is cancelled",
        pass: "an interrupt that cannot arrive says so within 5 s and works by heartbeat later",
        run: interrupts::cancels,
    },
    Stage {
        name: "net-leader-postgres",
        fault: "network cut leader–Postgres, refused, silent, and silent one way",
        pass: "the leader steps down, another leads within 3 s; I1–I8",
        run: leaders::postgres,
    },
    Stage {
        name: "net-leader-redis",
        fault: "network cut leader–Redis, refused, silent, and silent one way; all schedulers–Redis",
        pass: "a replica that reaches Redis leads within 10 s; when none does, nobody moves, recovery within 10 s",
        run: leaders::redis,
    },
    Stage {
        name: "net-postgres-late",
        fault: "every packet to Postgres 200 ms late",
        pass: "no false take-overs",
        run: late::late,
    },
];

/// How a line is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bad {
    /// Connections are reset, and new ones refused.
    Refused,
    /// Packets of this way vanish.
    Silent(Way),
}

impl Bad {
    /// All of them, the one first that a short run has.
    const ALL: [Self; 4] =
        [Self::Silent(Way::Both), Self::Refused, Self::Silent(Way::There), Self::Silent(Way::Back)];

    fn make(self, link: &Link) {
        match self {
            Self::Refused => link.cut(),
            Self::Silent(way) => link.silence(way),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Silent(Way::Both) => "silent",
            Self::Silent(Way::There) => "silent on the way there",
            Self::Silent(Way::Back) => "silent on the way back",
        }
    }
}

/// A load that comes in steadily for as long as the stage needs it; [`Load::stop`] ends it.
fn steady(trial: &Trial, per_second: u32, work: Work) -> Load {
    const ENOUGH: usize = 20_000;
    trial.load(LoadPlan {
        jobs: ENOUGH,
        per_second: Some(per_second),
        batch: 10,
        work,
        ..LoadPlan::default()
    })
}

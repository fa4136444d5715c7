//! Redis that is emptied, away, frozen, full or full of junk.

mod away;
mod emptied;
mod junk;

use std::time::Duration;

use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "redis-emptied",
        fault: "Redis killed and restarted empty; FLUSHALL; keys deleted, trimmed or overwritten",
        pass: "due jobs offered again within 10 s without a hand; no log flood",
        run: emptied::emptied,
    },
    Stage {
        name: "redis-kept",
        fault: "Redis with an append-only file killed and restarted",
        pass: "I1–I8; references that are there twice do no harm",
        run: emptied::kept,
    },
    Stage {
        name: "redis-away",
        fault: "Redis down for 60 s",
        pass: "enqueue acknowledged; hosts finish what runs; no pile-up; recovery within 10 s",
        run: away::down,
    },
    Stage {
        name: "redis-frozen",
        fault: "Redis frozen for 20 s",
        pass: "enqueue acknowledged; hosts finish what runs; no pile-up; recovery within 10 s",
        run: away::frozen,
    },
    Stage {
        name: "redis-full",
        fault: "Redis full (`maxmemory 1mb`, `noeviction`) for 20 s",
        pass: "enqueue acknowledged; hosts finish what runs; no pile-up; recovery within 10 s",
        run: away::full,
    },
    Stage {
        name: "redis-junk",
        fault: "junk in Redis: random ids, finished jobs, jobs not yet due, binary, 10 MB, wrong scores",
        pass: "checked against the store, dropped; no extra execution; one limited line",
        run: junk::junk,
    },
];

/// The sorted set of the queue that loads go to.
const QUEUE: &str = "jobctl:queue:default/default";

/// How soon references are back.
const BACK: Duration = Duration::from_secs(10);

/// How many jobs must end to show that new references came: more than ran or were being claimed at the time.
const PROGRESS: usize = 80;

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// No log may have more warnings and errors than this since the trial began.
fn no_flood(trial: &mut Trial, most: usize) {
    let mut fullest = (0, String::new());
    for member in trial.field.members() {
        let lines = member.log_text().lines().filter(|line| is_complaint(line)).count();
        fullest = fullest.max((lines, member.name().to_owned()));
    }
    let (lines, name) = fullest;
    trial.require(lines <= most, format!("a log flood: {lines} warnings of {name}, and {most} are allowed"));
}

fn is_complaint(line: &str) -> bool {
    line.contains(" WARN ") || line.contains("ERROR")
}

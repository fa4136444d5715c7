//! Redis loses all it holds, or some of it.

use std::time::{Duration, Instant};

use history::Hit;

use super::{BACK, PATIENCE, PROGRESS, QUEUE, no_flood};
use crate::load::{Load, LoadPlan};
use crate::trial::Trial;

/// References that are taken out singly.
const TRIMMED: usize = 20;

/// A way to lose references.
struct Loss {
    name: &'static str,
    commands: &'static [&'static [&'static str]],
}

/// A short run has the first ones.
const LOSSES: &[Loss] = &[
    Loss {
        name: "everything overwritten by other types",
        commands: &[
            &["SET", "jobctl:queues", "junk"],
            &["DEL", "jobctl:generation", QUEUE],
            &["RPUSH", "jobctl:generation", "junk"],
            &["RPUSH", QUEUE, "junk"],
        ],
    },
    Loss { name: "FLUSHALL", commands: &[&["FLUSHALL"]] },
    Loss { name: "a queue overwritten by another type", commands: &[&["SET", QUEUE, "junk"]] },
    Loss { name: "a queue deleted", commands: &[&["DEL", QUEUE]] },
    Loss {
        name: "the list of queues deleted, and the generation",
        commands: &[&["DEL", "jobctl:queues", "jobctl:generation", QUEUE]],
    },
    Loss {
        name: "the generation overwritten and a queue trimmed",
        commands: &[&["SET", "jobctl:generation", "junk"], &["ZREMRANGEBYRANK", QUEUE, "0", "-10"]],
    },
];

/// How many losses a short run has.
const LOSSES_SHORT: usize = 1;

/// Loses references again and again under a backlog.
pub(super) fn emptied(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(4000, 500), ..LoadPlan::default() });
    load.until_ended(trial.times(50, 20));

    for _ in 0..trial.times(2, 1) {
        trial.during("Redis killed and restarted empty", Hit::Nobody, |trial| {
            trial.field.redis().kill();
            trial.field.redis().restart();
            trial.recovers(&load, PROGRESS, Instant::now(), "Redis restarted empty");
        });
    }
    for loss in &LOSSES[..trial.times(LOSSES.len(), LOSSES_SHORT)] {
        trial.during(loss.name, Hit::Nobody, |trial| {
            for command in loss.commands {
                trial.field.redis().command(command);
            }
            trial.recovers(&load, PROGRESS, Instant::now(), loss.name);
        });
    }
    trim(trial, &load);

    let faults = trial.times(2 + LOSSES.len() + 1, 1 + LOSSES_SHORT + 1);
    no_flood(trial, 10 + 8 * faults);
    let settled = trial.settle(load);
    trial.require(settled.outcomes("lost") == 0, "an attempt was taken for lost");
}

/// Takes references out of a queue that goes on: nothing tells that they are gone.
fn trim(trial: &mut Trial, load: &Load) {
    load.until_asked();
    let last = (TRIMMED - 1).to_string();
    let answer = trial.field.redis().command(&["ZRANGE", QUEUE, "0", &last]);
    let members = members(&answer);
    let ids: Vec<String> = members.iter().map(|member| format!("'{}'", hex(member))).collect();
    trial.require(!ids.is_empty(), "nothing was left to be trimmed: the load is too small");

    let mut command: Vec<&[u8]> = vec![b"ZREM", QUEUE.as_bytes()];
    command.extend(members);
    trial.during("references removed singly", Hit::Nobody, |trial| {
        trial.field.redis().command(&command);
        let waiting = format!("select count(*) from job_queue where job_id in ({})", ids.join(","));
        let look = |trial: &mut Trial| ids.is_empty() || trial.field.number(&waiting) == 0;
        let took = trial.eventually("the jobs of removed references to end", PATIENCE, look);
        trial.takeover(took);
        // They run for a moment too.
        trial.within(took, BACK + Duration::from_secs(1), "the jobs of removed references end");
    });
}

/// The members of sixteen bytes in an answer, as it came over the wire.
fn members(answer: &[u8]) -> Vec<&[u8]> {
    const HEAD: &[u8] = b"$16\r\n";
    let starts = answer.windows(HEAD.len()).enumerate().filter(|(_, head)| *head == HEAD);
    starts.filter_map(|(at, _)| answer.get(at + HEAD.len()..at + HEAD.len() + 16)).collect()
}

fn hex(member: &[u8]) -> String {
    member.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Redis comes back with references that were taken meanwhile, and the leader offers all of them again.
pub(super) fn kept(trial: &mut Trial) {
    trial.field.redis().restart_with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let load = trial.load(LoadPlan { jobs: trial.times(1500, 300), ..LoadPlan::default() });
    load.until_ended(trial.times(50, 20));

    for _ in 0..trial.times(3, 1) {
        trial.during("Redis killed and restarted with its file", Hit::Nobody, |trial| {
            trial.field.redis().restart_with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
            trial.recovers(&load, PROGRESS, Instant::now(), "Redis restarted with its file");
        });
    }

    let settled = trial.settle(load);
    trial.require(settled.outcomes("lost") == 0, "an attempt was taken for lost");
    trial.field.redis().restart_with(&[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_whatever_bytes_they_have() {
        let answer = b"*2\r\n$16\r\n\r\n\r\n\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\xff\xfe\r\n$16\r\n0123456789abcdef\r\n";

        let found = members(answer);

        assert_eq!(found.len(), 2);
        assert_eq!(found[0], b"\r\n\r\n\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\xff\xfe");
        assert_eq!(found[1], b"0123456789abcdef");
        assert_eq!(hex(&[0x01, 0xff]), "01ff");
    }
}

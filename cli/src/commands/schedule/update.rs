//! `jobctl schedule update`: looks at a schedule, changes what was asked for, and puts that in the place of what it saw.

use rpc::{Code, v1};

use super::{conclude, get, spec};
use crate::args::{PolicyFlags, RunFlags, ScheduleUpdate, TimingFlags};
use crate::commands::context::Context;
use crate::commands::payload;
use crate::exit::{Error, Result};

/// How often a schedule is looked at again that somebody else changed in between.
const LOOKS: u32 = 3;

/// Instants to come that are told.
const UPCOMING: u32 = 3;

/// Changes a schedule. A call that is made again puts the same in the place of what the first one put there.
pub(super) async fn run(context: Context, update: ScheduleUpdate) -> Result {
    if says_nothing(&update) {
        return Err(Error::usage("what is to change? no flag says so")
            .hint("`jobctl schedule update --help` lists what can be changed"));
    }
    let payload = update.payload.as_deref().map(|word| payload::read(Some(word))).transpose()?;
    if let Some(cron) = &update.timing.cron {
        recurrence::timing(cron, context.times.now)?;
    }
    let server = context.server().await?;
    let mut looks = 0;
    loop {
        let seen = get(&context, &server, &update.name, UPCOMING).await?;
        let before = seen.spec.clone().ok_or_else(spec::malformed)?;
        let after = spec::changed(&before, &update, payload.as_ref(), context.times.now)?;
        if after == (v1::ScheduleSpec { anchor: None, ..before }) {
            return conclude(&context, &seen, "updated", true);
        }
        let request = v1::UpdateScheduleRequest {
            namespace: context.namespace(),
            name: seen.name,
            spec: Some(after),
            seq: seen.seq,
            updated_at: seen.updated_at,
        };
        let answer = server.call(|mut client| {
            let request = request.clone();
            async move { client.schedules.update_schedule(request).await }
        });
        looks += 1;
        match answer.await {
            Ok(schedule) => return conclude(&context, &schedule, "updated", false),
            Err(error) if error.code == Code::Conflict && looks < LOOKS => {
                context.output.detail(&format!("{error}; looking again"));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn says_nothing(update: &ScheduleUpdate) -> bool {
    let ScheduleUpdate { name: _, task, timing, start, end, payload, note, unset, policies, run } = update;
    task.is_none()
        && *timing == TimingFlags::default()
        && start.is_none()
        && end.is_none()
        && payload.is_none()
        && note.is_none()
        && unset.is_empty()
        && *policies == PolicyFlags::default()
        && *run == RunFlags::default()
}

//! Which jobs are meant, from flags to what travels.

use std::collections::HashMap;

use chrono::TimeDelta;
use model::job::JobState;
use prost_types::Timestamp;

use crate::args::JobFilter;
use crate::commands::context::Context;
use crate::exit::{Error, Result};

/// Which jobs are meant; what is empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Filter {
    pub(super) states: Vec<String>,
    pub(super) task: String,
    pub(super) queue: String,
    pub(super) tags: HashMap<String, String>,
    pub(super) since: Option<Timestamp>,
}

impl Filter {
    /// Whether it lets every job through.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The jobs that `flags` mean.
pub(super) fn of(context: &Context, flags: &JobFilter) -> Result<Filter> {
    let since = flags
        .since
        .map(|ago| {
            let ago = TimeDelta::from_std(ago).ok();
            ago.and_then(|ago| context.times.now.checked_sub_signed(ago))
                .ok_or_else(|| Error::usage("since: is longer ago than the calendar goes"))
        })
        .transpose()?;
    Ok(Filter {
        states: flags.states.iter().copied().map(JobState::as_str).map(str::to_owned).collect(),
        task: flags.task.as_ref().map(|task| task.as_str().to_owned()).unwrap_or_default(),
        queue: flags.queue.as_ref().map(|queue| queue.as_str().to_owned()).unwrap_or_default(),
        tags: flags.tags.iter().cloned().collect(),
        since: since.map(rpc::timestamp),
    })
}

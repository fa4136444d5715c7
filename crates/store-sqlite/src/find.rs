//! Finding the jobs of a page, and counting those that are unfinished, failed or cancelled.
//!
//! A page is found in two steps: the ids by a walk that is newest first and ends when the page is full, then
//! the jobs of these ids. Which table the walk goes through depends on the states that are asked for, so that
//! what is rare is not looked for in all that is not:
//!
//! ```text
//!   no state              jobs
//!   scheduled, queued     job_queue
//!   running               job_queue, the few that are held
//!   succeeded             attempts that did
//!   failed, cancelled     attempts that did not, and job_ends
//! ```
//!
//! Of several walks each yields a page, and the newest of all of them are the page.

use model::bounds::PAGE_MAX;
use model::id::JobId;
use model::job::JobState;
use sqlx::SqliteConnection;
use store::record::number;
use store::{Count, JobFilter, JobPage, Result};
use uuid::Uuid;

use crate::db::Db;
use crate::error::fault;
use crate::json;
use crate::standing::jobs;
use crate::time::{instant, now};

/// One page of jobs, newest first.
pub(crate) async fn page(db: &Db, filter: JobFilter) -> Result<JobPage> {
    let limit = filter.limit.min(PAGE_MAX) as usize;
    let mut tx = db.page().await?;
    let walk = Walk {
        now: now(&mut tx).await?,
        before: filter.before.map_or(Uuid::max(), |id| id.0),
        since: filter.since.map(|at| at.timestamp_millis()),
        tags: json::list(&filter.tags),
        // One more than the page holds tells whether there is another page.
        limit: i64::from(filter.limit.min(PAGE_MAX)) + 1,
        filter,
    };
    let mut ids = walk.all(&mut tx).await?;
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next = if more { ids.last().copied() } else { None };
    Ok(JobPage { jobs: jobs(&mut tx, &ids).await?, next })
}

/// How many jobs there are, by state: the unfinished ones when no states are asked for.
pub(crate) async fn count(db: &Db, filter: &JobFilter) -> Result<Count> {
    use JobState::{Cancelled, Failed, Queued, Running, Scheduled};

    let is_asked = |state: &JobState| match filter.states.is_empty() {
        true => !state.is_final(),
        false => filter.states.contains(state),
    };
    let namespace = filter.namespace.as_str();
    let queue = filter.queue.as_ref().map(|queue| queue.as_str());
    let task = filter.task.as_ref().map(|task| task.as_str());
    let since = filter.since.map(|at| at.timestamp_millis());
    let tags = json::list(&filter.tags);
    let mut counted = Vec::new();
    let mut tx = db.page().await?;
    let now = now(&mut tx).await?;
    if is_asked(&Scheduled) || is_asked(&Queued) {
        let row = sqlx::query_file!("sql/count_waiting.sql", namespace, queue, task, since, tags, now)
            .fetch_one(&mut *tx)
            .await
            .map_err(fault)?;
        counted.extend([(Scheduled, row.scheduled), (Queued, row.queued)]);
    }
    if is_asked(&Running) {
        let running = sqlx::query_file_scalar!("sql/count_running.sql", namespace, queue, task, since, tags)
            .fetch_one(&mut *tx)
            .await
            .map_err(fault)?;
        counted.push((Running, running));
    }
    if is_asked(&Failed) || is_asked(&Cancelled) {
        let row = sqlx::query_file!("sql/count_ended.sql", namespace, queue, task, since, tags)
            .fetch_one(&mut *tx)
            .await
            .map_err(fault)?;
        counted.extend([(Failed, row.failed), (Cancelled, row.cancelled)]);
    }
    let counted = counted.into_iter().filter(|(state, jobs)| is_asked(state) && *jobs > 0);
    let states = counted.map(|(state, jobs)| Ok((state, number("jobs", jobs)?))).collect::<Result<_>>()?;
    Ok(Count { states, at: instant(now)? })
}

struct Walk {
    filter: JobFilter,
    now: i64,
    before: Uuid,
    since: Option<i64>,
    tags: String,
    limit: i64,
}

/// Runs one of the walks, which differ only in their file and in what is appended to the arguments.
macro_rules! walk {
    ($walk:ident, $connection:ident, $file:literal $(, $more:expr)*) => {
        sqlx::query_file_scalar!(
            $file,
            $walk.before,
            $walk.since,
            $walk.filter.namespace.as_str(),
            $walk.filter.task.as_ref().map(|task| task.as_str()),
            $walk.filter.queue.as_ref().map(|queue| queue.as_str()),
            $walk.tags,
            $walk.limit
            $(, $more)*
        )
        .fetch_all(&mut *$connection)
        .await
        .map_err(fault)?
    };
}

impl Walk {
    /// The ids that all walks find, each of them the newest it has, in no order.
    async fn all(&self, connection: &mut SqliteConnection) -> Result<Vec<JobId>> {
        use JobState::{Cancelled, Failed, Queued, Running, Scheduled, Succeeded};

        let mut ids = Vec::new();
        if self.filter.states.is_empty() {
            ids.append(&mut walk!(self, connection, "sql/find_any.sql"));
        }
        if let Some(states) = self.asked(&[Scheduled, Queued]) {
            ids.append(&mut walk!(self, connection, "sql/find_waiting.sql", self.now, states));
        }
        if self.asked(&[Running]).is_some() {
            ids.append(&mut walk!(self, connection, "sql/find_running.sql"));
        }
        if self.asked(&[Succeeded]).is_some() {
            ids.append(&mut walk!(self, connection, "sql/find_succeeded.sql"));
        }
        if let Some(states) = self.asked(&[Failed, Cancelled]) {
            ids.append(&mut walk!(self, connection, "sql/find_failed.sql", states));
            ids.append(&mut walk!(self, connection, "sql/find_ended.sql", states));
        }
        Ok(ids.into_iter().map(JobId).collect())
    }

    /// Those of `states` that are asked for, as a JSON list; none when none is.
    fn asked(&self, states: &[JobState]) -> Option<String> {
        let asked: Vec<&JobState> =
            states.iter().filter(|state| self.filter.states.contains(state)).collect();
        if asked.is_empty() { None } else { Some(json::list(&asked)) }
    }
}

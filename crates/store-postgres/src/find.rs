//! Finding the jobs of a page, and counting those that are unfinished, failed or cancelled.
//!
//! A page is found in two steps: the ids by a walk that is newest first and ends when the page is full, then
//! the jobs of these ids. Which table the walk goes through depends on the states that are asked for, so that
//! what is rare is not looked for in all that is not:
//!
//! ```text
//!   no state                       jobs
//!   scheduled, queued, running     job_queue
//!   succeeded                      attempts that did
//!   failed, cancelled              attempts that did not, and job_ends
//! ```
//!
//! Of several walks each yields a page, and the newest of all of them are the page.

use std::collections::BTreeMap;

use model::bounds::PAGE_MAX;
use model::id::JobId;
use model::job::{Job, JobState};
use store::record::{JobRecord, corrupt, number, word};
use store::{Count, JobFilter, JobPage, Result};
use uuid::Uuid;

use crate::db::Db;
use crate::error::Told;
use crate::ids::uuids;
use crate::session::Session;

/// One page of jobs, newest first.
pub(crate) async fn page(db: &Db, filter: &JobFilter) -> Result<JobPage> {
    let limit = filter.limit.min(PAGE_MAX) as usize;
    let walk = match tags(&filter.tags)? {
        Tags::Any => Walk { filter, limit, tags: None },
        Tags::All(json) => Walk { filter, limit, tags: Some(json) },
        Tags::Never => return Ok(JobPage { jobs: Vec::new(), next: None }),
    };
    let mut session = db.session().await?;
    let mut ids = walk.all(&mut session).await?;
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next = if more { ids.last().copied() } else { None };
    Ok(JobPage { jobs: jobs(&mut session, &ids).await?, next })
}

/// The states of a job that stands in the queue.
const UNFINISHED: [JobState; 3] = [JobState::Scheduled, JobState::Queued, JobState::Running];

/// The states of a job that ended and may run again.
const REVIVABLE: [JobState; 2] = [JobState::Failed, JobState::Cancelled];

/// How many jobs there are, by state: the unfinished ones when no states are asked for.
pub(crate) async fn count(db: &Db, filter: &JobFilter) -> Result<Count> {
    let mut session = db.session().await?;
    let at = session.maybe(sqlx::query_file_scalar!("sql/now.sql")).await?;
    let at = at.ok_or_else(|| corrupt("the database tells no time"))?;
    let tags = match tags(&filter.tags)? {
        Tags::Any => None,
        Tags::All(json) => Some(json),
        Tags::Never => return Ok(Count { states: Vec::new(), at }),
    };
    let mut counted = Vec::new();
    let unfinished = match filter.states.is_empty() {
        true => words(&UNFINISHED),
        false => asked(filter, &UNFINISHED),
    };
    if !unfinished.is_empty() {
        counted.extend(count_unfinished(&mut session, filter, &unfinished, tags.as_ref()).await?);
    }
    let ended = asked(filter, &REVIVABLE);
    if !ended.is_empty() {
        let query = sqlx::query_file_as!(
            Counted,
            "sql/count_ended.sql",
            filter.namespace.as_str(),
            filter.queue.as_ref().map(|queue| queue.as_str()),
            &ended,
            filter.task.as_ref().map(|task| task.as_str()),
            filter.since,
            tags
        );
        counted.extend(session.all(query).await?);
    }
    let counted = counted.into_iter().map(|one| Ok((word(&one.state)?, number("jobs", one.jobs)?)));
    let mut states: Vec<(JobState, u64)> = counted.collect::<Result<_>>()?;
    states.sort_unstable();
    Ok(Count { states, at })
}

async fn count_unfinished(
    session: &mut Session,
    filter: &JobFilter,
    states: &[String],
    tags: Option<&String>,
) -> Told<Vec<Counted>> {
    let namespace = filter.namespace.as_str();
    let queue = filter.queue.as_ref().map(|queue| queue.as_str());
    let task = filter.task.as_ref().map(|task| task.as_str());
    if task.is_none() && filter.since.is_none() && tags.is_none() {
        return session.all(sqlx::query_file_as!(Counted, "sql/count.sql", namespace, queue, states)).await;
    }
    let query = sqlx::query_file_as!(
        Counted,
        "sql/count_joined.sql",
        namespace,
        queue,
        states,
        task,
        filter.since,
        tags
    );
    session.all(query).await
}

/// Those of `states` that the filter names.
fn asked(filter: &JobFilter, states: &[JobState]) -> Vec<String> {
    let asked: Vec<JobState> = states.iter().copied().filter(|state| filter.states.contains(state)).collect();
    words(&asked)
}

fn words(states: &[JobState]) -> Vec<String> {
    states.iter().map(|state| state.as_str().to_owned()).collect()
}

/// How many jobs are in one state.
struct Counted {
    state: String,
    jobs: i64,
}

struct Walk<'a> {
    filter: &'a JobFilter,
    limit: usize,
    tags: Option<String>,
}

/// Runs one of the walks, which differ only in their file and in what is appended to the arguments.
macro_rules! walk {
    ($walk:ident, $session:ident, $file:literal $(, $more:expr)*) => {
        $session.all(sqlx::query_file_scalar!(
            $file,
            $walk.filter.before.map_or(Uuid::max(), |id| id.0),
            $walk.filter.namespace.as_str(),
            $walk.filter.task.as_ref().map(|task| task.as_str()),
            $walk.filter.queue.as_ref().map(|queue| queue.as_str()),
            $walk.filter.since,
            $walk.tags,
            // One more than the page holds tells whether there is another page.
            $walk.limit as i64 + 1
            $(, $more)*
        ))
        .await?
    };
}

impl Walk<'_> {
    /// The ids that all walks find, each of them the newest it has, in no order.
    async fn all(&self, session: &mut Session) -> Told<Vec<JobId>> {
        let mut ids = Vec::new();
        if self.filter.states.is_empty() {
            ids.append(&mut walk!(self, session, "sql/find_any.sql"));
        }
        if let Some(states) = self.asked(&UNFINISHED) {
            ids.append(&mut walk!(self, session, "sql/find_waiting.sql", &states));
        }
        if self.asked(&[JobState::Succeeded]).is_some() {
            ids.append(&mut walk!(self, session, "sql/find_succeeded.sql"));
        }
        if let Some(states) = self.asked(&REVIVABLE) {
            ids.append(&mut walk!(self, session, "sql/find_failed.sql", &states));
            ids.append(&mut walk!(self, session, "sql/find_ended.sql", &states));
        }
        Ok(ids.into_iter().map(JobId).collect())
    }

    /// Those of `states` that are asked for; none when none is.
    fn asked(&self, states: &[JobState]) -> Option<Vec<String>> {
        let asked = asked(self.filter, states);
        if asked.is_empty() { None } else { Some(asked) }
    }
}

/// Which tags a job must have.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// Any or none.
    Any,
    /// All of this JSON object.
    All(String),
    /// Such as no job can have together.
    Never,
}

fn tags(asked: &[(String, String)]) -> Result<Tags> {
    if asked.is_empty() {
        return Ok(Tags::Any);
    }
    let mut tags = BTreeMap::new();
    for (key, value) in asked {
        if tags.insert(key, value).is_some_and(|earlier| earlier != value) {
            return Ok(Tags::Never);
        }
    }
    Ok(Tags::All(serde_json::to_string(&tags).map_err(corrupt)?))
}

/// The jobs of these ids, newest first, without attempts and files.
async fn jobs(session: &mut Session, ids: &[JobId]) -> Result<Vec<Job>> {
    let query = sqlx::query_file_as!(JobRecord, "sql/jobs.sql", &uuids(ids));
    session.all(query).await?.into_iter().map(JobRecord::into_job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_cannot_have_two_values() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());

        assert_eq!(tags(&[]).expect("tags"), Tags::Any);
        let twice = tags(&[tag("a", "1"), tag("a", "1")]).expect("tags");
        assert_eq!(twice, Tags::All("{\"a\":\"1\"}".to_owned()));
        assert_eq!(tags(&[tag("a", "1"), tag("a", "2")]).expect("tags"), Tags::Never);
    }
}

//! Finding the jobs of a page: first their ids, by what the filter asks for, then the jobs of these ids.

use std::collections::BTreeMap;

use model::bounds::PAGE_MAX;
use model::id::JobId;
use store::record::corrupt;
use store::{JobFilter, JobPage, Result};
use uuid::Uuid;

use crate::db::Db;
use crate::look::jobs;

/// One page of jobs, newest first.
pub(crate) async fn page(db: &Db, filter: &JobFilter) -> Result<JobPage> {
    let limit = filter.limit.min(PAGE_MAX) as usize;
    let Some(tags) = tags(&filter.tags)? else { return Ok(JobPage { jobs: Vec::new(), next: None }) };
    let states: Vec<String> = filter.states.iter().map(|state| state.as_str().to_owned()).collect();
    let mut session = db.session().await?;
    let query = sqlx::query_file_scalar!(
        "sql/find.sql",
        filter.namespace.as_str(),
        filter.before.map_or(Uuid::max(), |id| id.0),
        filter.task.as_ref().map(|task| task.as_str()),
        filter.queue.as_ref().map(|queue| queue.as_str()),
        filter.since,
        tags,
        Some(states).filter(|states| !states.is_empty()) as Option<Vec<String>>,
        // One more than the page holds tells whether there is another page.
        limit as i64 + 1
    );
    let mut ids: Vec<JobId> = session.all(query).await?.into_iter().map(JobId).collect();
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next = if more { ids.last().copied() } else { None };
    Ok(JobPage { jobs: jobs(&mut session, &ids).await?, next })
}

/// The tags as a JSON object, null inside when none are asked for; none when no job can have them all.
fn tags(asked: &[(String, String)]) -> Result<Option<Option<String>>> {
    if asked.is_empty() {
        return Ok(Some(None));
    }
    let mut tags = BTreeMap::new();
    for (key, value) in asked {
        if tags.insert(key, value).is_some_and(|earlier| earlier != value) {
            return Ok(None);
        }
    }
    Ok(Some(Some(serde_json::to_string(&tags).map_err(corrupt)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_cannot_have_two_values() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());

        assert_eq!(tags(&[]).expect("tags"), Some(None));
        assert_eq!(
            tags(&[tag("a", "1"), tag("a", "1")]).expect("tags"),
            Some(Some("{\"a\":\"1\"}".to_owned()))
        );
        assert_eq!(tags(&[tag("a", "1"), tag("a", "2")]).expect("tags"), None);
    }
}

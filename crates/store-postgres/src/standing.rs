//! Where jobs stand: what those who wait, cancel and submit again want to know.

use model::id::JobId;
use store::Result;
use store::record::{Standing, StandingRecord};

use crate::error::Told;
use crate::ids::uuids;
use crate::session::Session;

/// Where the jobs of these ids stand, in any order.
pub(crate) async fn standings(
    session: &mut Session,
    ids: impl IntoIterator<Item = &JobId>,
) -> Told<Vec<Standing>> {
    let query = sqlx::query_file_as!(StandingRecord, "sql/standing.sql", &uuids(ids));
    let rows = session.all(query).await?;
    Ok(rows.into_iter().map(StandingRecord::into_standing).collect::<Result<_>>()?)
}

//! Log lines: stored a chunk at a time, read a line at a time.
//!
//! A position is the number of the chunk's row and the place of the line in it, side by side in one integer.
//! So positions grow, and a reader may stop in the middle of a chunk.

use futures::TryStreamExt;
use model::id::{JobId, Lease};
use model::job::LogLine;
use sqlx::SqliteConnection;
use store::Result;
use store::record::{corrupt, number};

use crate::db::Db;
use crate::error::fault;
use crate::json;

/// The part of a position that counts lines inside a chunk.
const LINE_BITS: u32 = 16;

/// Lines in one chunk; longer reports are split. Fits [`LINE_BITS`].
const CHUNK_LINES_MAX: usize = 1 << 15;

/// The chunks that `lines` are stored in.
pub(crate) fn chunks(lines: &[LogLine]) -> impl Iterator<Item = String> {
    lines.chunks(CHUNK_LINES_MAX).map(json::list)
}

/// Writes lines of one attempt.
pub(crate) async fn write(connection: &mut SqliteConnection, lease: Lease, lines: &[LogLine]) -> Result<()> {
    for chunk in chunks(lines) {
        sqlx::query_file!("sql/report_logs.sql", lease.job.0, lease.attempt, chunk.as_bytes())
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

/// Lines from the position `after` on, at most `limit`, with the position after the last.
pub(crate) async fn read(db: &Db, id: JobId, after: i64, limit: u32) -> Result<(Vec<(u32, LogLine)>, i64)> {
    let limit = limit as usize;
    let mut next = after.max(0);
    let mut lines = Vec::new();
    let mut reader = db.reader().await?;
    let chunk = next >> LINE_BITS;
    let mut rows = sqlx::query_file!("sql/logs.sql", id.0, chunk, i64::MAX).fetch(&mut *reader);
    while lines.len() < limit {
        let Some(row) = rows.try_next().await.map_err(fault)? else { break };
        let chunk: Vec<LogLine> = serde_json::from_slice(&row.lines).map_err(corrupt)?;
        let attempt = number("attempt", row.attempt)?;
        let first = row.position << LINE_BITS;
        let skip = usize::try_from(next - first).unwrap_or(0);
        let end = chunk.len().min(skip.saturating_add(limit - lines.len()));
        next = if end == chunk.len() { (row.position + 1) << LINE_BITS } else { first + end as i64 };
        lines.extend(chunk.into_iter().take(end).skip(skip).map(|line| (attempt, line)));
    }
    Ok((lines, next))
}

//! Log lines: stored a chunk at a time, read a line at a time.
//!
//! A position is the number of the chunk's row and the place of the line in it, side by side in one integer.
//! So positions grow, and a reader may stop in the middle of a chunk.

use model::id::JobId;
use model::job::LogLine;
use store::Result;
use store::record::{corrupt, number};

use crate::db::Db;

/// The part of a position that counts lines inside a chunk.
const LINE_BITS: u32 = 16;

/// Lines in one chunk; longer reports are split. Fits [`LINE_BITS`].
const CHUNK_LINES_MAX: usize = 1 << 15;

/// Chunks in one read; a host flushes them well under a megabyte each.
const READ_CHUNKS: i64 = 16;

/// The chunks that `lines` are stored in.
pub(crate) fn chunks(lines: &[LogLine]) -> Result<Vec<Vec<u8>>> {
    lines.chunks(CHUNK_LINES_MAX).map(|chunk| serde_json::to_vec(chunk).map_err(corrupt)).collect()
}

/// Lines from the position `after` on, at most `limit`, with the position after the last.
pub(crate) async fn read(db: &Db, id: JobId, after: i64, limit: u32) -> Result<(Vec<(u32, LogLine)>, i64)> {
    let limit = limit as usize;
    let mut next = after.max(0);
    let mut lines = Vec::new();
    let mut session = db.session().await?;
    while lines.len() < limit {
        let query = sqlx::query_file!("sql/logs.sql", id.0, next >> LINE_BITS, READ_CHUNKS);
        let rows = session.all(query).await?;
        let last = (rows.len() as i64) < READ_CHUNKS;
        for row in rows {
            let chunk: Vec<LogLine> = serde_json::from_slice(&row.lines).map_err(corrupt)?;
            let attempt = number("attempt", row.attempt)?;
            let first = row.position << LINE_BITS;
            let skip = usize::try_from(next - first).unwrap_or(0);
            let end = chunk.len().min(skip.saturating_add(limit - lines.len()));
            if end < chunk.len() {
                next = first + end as i64;
            } else {
                next = (row.position + 1) << LINE_BITS;
            }
            lines.extend(chunk.into_iter().take(end).skip(skip).map(|line| (attempt, line)));
            if lines.len() == limit {
                return Ok((lines, next));
            }
        }
        if last {
            break;
        }
    }
    Ok((lines, next))
}

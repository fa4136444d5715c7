//! Listings, which the server answers page by page.

use model::bounds::PAGE_MAX;

use crate::exit::Result;

/// Asks for pages from `cursor` on, each of a length and from a cursor, until there are as many items as were asked for.
/// With them comes where the next page begins; empty at the end.
pub(super) async fn gather<T>(
    limit: u32,
    mut cursor: String,
    page: impl AsyncFn(u32, String) -> Result<(Vec<T>, String)>,
) -> Result<(Vec<T>, String)> {
    let mut items = Vec::new();
    loop {
        let left = limit.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
        let (more, next) = page(left.min(PAGE_MAX), cursor).await?;
        let is_empty = more.is_empty();
        items.extend(more);
        cursor = next;
        if cursor.is_empty() || is_empty || items.len() >= limit as usize {
            return Ok((items, cursor));
        }
    }
}

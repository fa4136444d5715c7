//! Bulk rows as JSON texts, for `json_each` to take apart.

use model::id::JobId;
use serde::Serialize;
use uuid::Uuid;

/// Where a text ends and the next begins, in bytes: a batch of the largest payloads is a gigabyte, more than
/// SQLite takes in one value; a text of this size costs its share of memory three times over.
const TEXT_BYTES: usize = 8 << 20;

/// An id as hexadecimal digits, for `unhex`.
pub(crate) fn hex(id: JobId) -> String {
    id.0.simple().to_string()
}

/// `values` as one JSON list.
pub(crate) fn list<T: Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).expect("plain fields become JSON")
}

/// Ids as one JSON list of hexadecimal digits.
pub(crate) fn ids(ids: impl IntoIterator<Item = JobId>) -> String {
    list(&ids.into_iter().map(hex).collect::<Vec<_>>())
}

/// `rows` as JSON lists of bounded size, all rows in order.
pub(crate) fn lists<T: Serialize>(rows: &[T]) -> Vec<String> {
    lists_of(rows, TEXT_BYTES)
}

fn lists_of<T: Serialize>(rows: &[T], bytes: usize) -> Vec<String> {
    let mut lists = Vec::new();
    let mut text = Vec::new();
    for row in rows {
        text.push(if text.is_empty() { b'[' } else { b',' });
        serde_json::to_writer(&mut text, row).expect("plain fields become JSON");
        if text.len() >= bytes {
            lists.push(closed(std::mem::take(&mut text)));
        }
    }
    if !text.is_empty() {
        lists.push(closed(text));
    }
    lists
}

fn closed(mut text: Vec<u8>) -> String {
    text.push(b']');
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// The first and the last id that begin with `prefix`; none when no id can.
pub(crate) fn ids_with_prefix(prefix: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    if digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let parse = |text: String| Uuid::try_parse(&text).ok();
    Some((parse(format!("{digits:0<32}"))?, parse(format!("{digits:f<32}"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_all_rows_in_order() {
        let rows: Vec<u32> = (0..10).collect();

        for bytes in [1, 3, 4, 5, 100] {
            let lists = lists_of(&rows, bytes);
            let back: Vec<u32> =
                lists.iter().flat_map(|list| serde_json::from_str::<Vec<u32>>(list).expect("JSON")).collect();
            assert_eq!(back, rows);
            assert!(lists.iter().all(|list| list.len() <= bytes + 3), "{lists:?}");
        }
        assert_eq!(lists_of::<u32>(&[], 10), Vec::<String>::new());
    }

    #[test]
    fn a_prefix_spans_its_ids() {
        let (first, last) = ids_with_prefix("01890000-F").expect("a prefix");

        assert_eq!(first.to_string(), "01890000-f000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "01890000-ffff-ffff-ffff-ffffffffffff");
        assert_eq!(ids_with_prefix(""), Some((Uuid::nil(), Uuid::max())));
        assert_eq!(ids_with_prefix("é"), None);
    }
}

//! Bulk rows as JSON texts, for `json_each` and `jsonb_each` to take apart.

use model::id::JobId;
use serde::Serialize;
use uuid::Uuid;

/// Where a part ends and the next begins, in bytes: a batch of the largest payloads is a gigabyte, more than
/// SQLite takes in one value.
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
    pack(rows.iter().map(|row| (row, None)), TEXT_BYTES).into_iter().map(|packed| packed.rows).collect()
}

/// Rows of which each may bring one long value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    /// A JSON list of objects: the row's own fields, and the place of its value in `values` as `from` (the first
    /// byte is 1) and `bytes`, which is null when it brings none. So SQL takes it by `substr`.
    pub(crate) rows: String,
    /// All values, one after the other. Inside the JSON they would be escaped, parsed, and parsed again for
    /// each field of their row.
    pub(crate) values: Vec<u8>,
}

/// `rows` with their values, packed in parts of bounded size, all rows in order.
pub(crate) fn packed<'a, T: Serialize>(rows: impl IntoIterator<Item = (T, Option<&'a [u8]>)>) -> Vec<Packed> {
    pack(rows, TEXT_BYTES)
}

#[derive(Serialize)]
struct Row<T> {
    #[serde(flatten)]
    row: T,
    from: usize,
    bytes: Option<usize>,
}

fn pack<'a, T: Serialize>(
    rows: impl IntoIterator<Item = (T, Option<&'a [u8]>)>,
    bytes_max: usize,
) -> Vec<Packed> {
    let mut parts = Vec::new();
    let mut text = Vec::new();
    let mut values = Vec::new();
    for (row, value) in rows {
        text.push(if text.is_empty() { b'[' } else { b',' });
        let row = Row { row, from: values.len() + 1, bytes: value.map(<[u8]>::len) };
        serde_json::to_writer(&mut text, &row).expect("plain fields become JSON");
        values.extend_from_slice(value.unwrap_or_default());
        if text.len() + values.len() >= bytes_max {
            parts.push(part(std::mem::take(&mut text), std::mem::take(&mut values)));
        }
    }
    if !text.is_empty() {
        parts.push(part(text, values));
    }
    parts
}

fn part(mut text: Vec<u8>, values: Vec<u8>) -> Packed {
    text.push(b']');
    Packed { rows: String::from_utf8(text).expect("JSON is UTF-8"), values }
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

    #[derive(Serialize)]
    struct One {
        n: usize,
    }

    #[test]
    fn parts_hold_all_rows_and_values_in_order() {
        let values: Vec<Option<Vec<u8>>> = (0..10).map(|n| (n % 3 > 0).then(|| vec![n; n.into()])).collect();
        let rows = || values.iter().enumerate().map(|(n, value)| (One { n }, value.as_deref()));

        for bytes_max in [1, 60, 100, 10_000] {
            let mut back = Vec::new();
            for part in pack(rows(), bytes_max) {
                let rows: Vec<serde_json::Value> = serde_json::from_str(&part.rows).expect("JSON");
                assert!(rows.len() == 1 || part.rows.len() + part.values.len() < bytes_max + 60, "{part:?}");
                for row in rows {
                    assert_eq!(row["n"], back.len());
                    let from = row["from"].as_u64().expect("a place") as usize - 1;
                    let value =
                        row["bytes"].as_u64().map(|bytes| part.values[from..][..bytes as usize].to_vec());
                    back.push(value);
                }
            }
            assert_eq!(back, values);
        }
        assert_eq!(pack(Vec::<(One, _)>::new(), 10), []);
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

//! Tables without lines, as wide as the terminal.

use comfy_table::{Cell, Color, ContentArrangement, Row, Table, presets};

use super::escape;
use super::view::{Meaning, View, meaning};

/// A table of `rows` under `header`. Every cell is escaped here, whoever it came from.
pub(crate) fn table<const N: usize>(
    view: &View,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    if view.paint.is_on() {
        table.enforce_styling();
    }
    if let Some(width) = view.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(header.map(Cell::new));
    for row in rows {
        table.add_row(Row::from(row.map(|text| cell(&text))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

fn cell(text: &str) -> Cell {
    let cell = Cell::new(if text.is_empty() { "-".to_owned() } else { escape::line(text) });
    match meaning(text) {
        Meaning::Good => cell.fg(Color::Green),
        Meaning::Bad => cell.fg(Color::Red),
        Meaning::Active => cell.fg(Color::Cyan),
        Meaning::Plain => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[String; 2]> {
        vec![["a".to_owned(), "succeeded".to_owned()], ["\x1b[2Jb".to_owned(), String::new()]]
    }

    #[test]
    fn a_table_has_no_lines_and_escapes_its_cells() {
        let shown = table(&View::default(), ["NAME", "STATE"], rows());

        assert_eq!(shown, "NAME        STATE\na           succeeded\n\\u{1b}[2Jb  -");
    }

    #[test]
    fn a_table_fits_the_width() {
        let view = View { width: Some(40), ..View::default() };
        let long = ["word ".repeat(30), "x".to_owned()];

        let shown = table(&view, ["TEXT", "STATE"], [long]);

        assert!(shown.lines().all(|line| line.chars().count() <= 40), "{shown}");
        assert!(shown.lines().count() > 3, "{shown}");
    }
}

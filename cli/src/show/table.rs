//! Tables without lines, that fit the terminal.
//!
//! A cell that is cut in two cannot be copied, so cells stay whole but those of one column that holds prose.
//! When that is not enough, columns are left out from the right: tables put what matters first, and `-o json`
//! has everything.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Row, Table, presets};

use super::escape;
use super::view::{Meaning, View, meaning};

/// Between two columns.
const GAP: usize = 2;

/// A column of prose is not made narrower than this.
const PROSE_WIDTH_MIN: usize = 24;

/// Columns that are never left out.
const COLUMNS_MIN: usize = 2;

/// A table of `rows` under `header`. Every cell is escaped here, whoever it came from.
pub(crate) fn table<const N: usize>(
    view: &View,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    lay_out(view, &header, None, rows)
}

/// The same; the cells of column `prose` may go over several lines when there is no room for `width_min` columns of it.
pub(crate) fn table_with_prose_in<const N: usize>(
    view: &View,
    header: [&str; N],
    prose: Prose,
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    lay_out(view, &header, Some(prose), rows)
}

/// The column of prose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prose {
    /// Which it is.
    pub(crate) column: usize,
    /// It is not made narrower than this; columns are left out instead.
    pub(crate) width_min: usize,
}

/// The same; the cells of the last column are prose, which may go over several lines.
pub(crate) fn table_with_prose<const N: usize>(
    view: &View,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    lay_out(view, &header, Some(Prose { column: N - 1, width_min: PROSE_WIDTH_MIN }), rows)
}

fn lay_out<const N: usize>(
    view: &View,
    header: &[&str; N],
    prose: Option<Prose>,
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|text| shown(&text))).collect();
    let columns = columns_that_fit(view, header, prose, &rows);
    let prose = prose.map(|prose| prose.column);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    if view.paint.is_on() {
        table.enforce_styling();
    }
    if let Some(width) = view.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(columns.iter().map(|index| Cell::new(header[*index])));
    for row in &rows {
        table.add_row(Row::from(columns.iter().map(|index| cell(&row[*index])).collect::<Vec<_>>()));
    }
    for (column, index) in table.column_iter_mut().zip(&columns) {
        column.set_padding((0, 2));
        if prose != Some(*index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

fn columns_that_fit<const N: usize>(
    view: &View,
    header: &[&str; N],
    prose: Option<Prose>,
    rows: &[[String; N]],
) -> Vec<usize> {
    let width_of = |index: usize| {
        let widest = rows.iter().map(|row| row[index].chars().count()).max().unwrap_or(0);
        let widest = widest.max(header[index].len());
        let of_prose = prose.filter(|prose| prose.column == index);
        GAP + of_prose.map_or(widest, |prose| widest.min(prose.width_min))
    };
    let is_prose = |index: usize| prose.is_some_and(|prose| prose.column == index);
    let mut columns: Vec<usize> = (0..N).collect();
    while let Some(width) = view.width
        && columns.iter().copied().map(width_of).sum::<usize>() > usize::from(width)
        && columns.len() > COLUMNS_MIN
    {
        match columns.iter().rposition(|index| !is_prose(*index)) {
            Some(last) if last > 0 => columns.remove(last),
            _ => break,
        };
    }
    columns
}

fn shown(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { escape::line(text) }
}

fn cell(text: &str) -> Cell {
    let cell = Cell::new(text);
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

    fn widest(shown: &str) -> usize {
        shown.lines().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    #[test]
    fn a_table_has_no_lines_and_escapes_its_cells() {
        let shown = table(&View::default(), ["NAME", "STATE"], rows());

        assert_eq!(shown, "NAME        STATE\na           succeeded\n\\u{1b}[2Jb  -");
    }

    #[test]
    fn prose_goes_over_several_lines_when_the_terminal_is_narrow() {
        let view = View { width: Some(40), ..View::default() };
        let row = ["x".to_owned(), "word ".repeat(30)];

        let shown = table_with_prose(&view, ["STATE", "TEXT"], [row]);

        assert!(widest(&shown) <= 40, "{shown}");
        assert!(shown.lines().count() > 3, "{shown}");
    }

    #[test]
    fn cells_stay_whole_and_the_last_columns_are_left_out_when_the_terminal_is_narrow() {
        let id = "018f0000-0000-7000-8000-000000000000";
        let row = || [id, "succeeded", "generate_report@1", "3 min ago"].map(str::to_owned);
        let header = ["ID", "STATE", "TASK", "CREATED"];
        let at = |width| table(&View { width: Some(width), ..View::default() }, header, [row()]);

        assert!(at(80).contains(id) && at(80).contains("3 min ago"), "{}", at(80));
        assert!(at(70).contains("generate_report@1") && !at(70).contains("CREATED"), "{}", at(70));
        assert!(widest(&at(70)) <= 70 && at(50).contains(id), "{}", at(50));
    }
}

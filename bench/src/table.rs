//! Tables that read well on a terminal and in a Markdown file alike.

use std::fmt;

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(columns: &[(&'static str, Side)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; cells that are missing are empty.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    fn cell(&self, row: usize, column: usize) -> &str {
        self.rows[row].get(column).map_or("", String::as_str)
    }

    fn width(&self, column: usize) -> usize {
        let cells = (0..self.rows.len()).map(|row| self.cell(row, column));
        let head = self.columns[column].0;
        // Three: the shortest line under a head in Markdown.
        cells.chain([head]).map(|text| text.chars().count()).max().unwrap_or(0).max(3)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<_> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        for ((name, side), width) in self.columns.iter().zip(&widths) {
            write_cell(f, name, *side, *width)?;
        }
        f.write_str("|\n")?;
        for ((_, side), width) in self.columns.iter().zip(&widths) {
            match side {
                Side::Left => write!(f, "| {} ", "-".repeat(*width))?,
                Side::Right => write!(f, "| {}: ", "-".repeat(width - 1))?,
            }
        }
        f.write_str("|\n")?;
        for row in 0..self.rows.len() {
            for (column, width) in widths.iter().enumerate() {
                write_cell(f, self.cell(row, column), self.columns[column].1, *width)?;
            }
            f.write_str("|\n")?;
        }
        Ok(())
    }
}

fn write_cell(f: &mut fmt::Formatter<'_>, text: &str, side: Side, width: usize) -> fmt::Result {
    match side {
        Side::Left => write!(f, "| {text:<width$} "),
        Side::Right => write!(f, "| {text:>width$} "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_is_markdown() {
        let mut table = Table::new(&[("kind", Side::Left), ("ms", Side::Right)]);
        table.row(["computing".to_owned(), "0.02".to_owned()]);
        table.row(["é".to_owned()]);

        let shown = table.to_string();

        let expected = "\
| kind      |   ms |
| --------- | ---: |
| computing | 0.02 |
| é         |      |
";
        assert_eq!(shown, expected);
    }
}

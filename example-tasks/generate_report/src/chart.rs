//! The chart: a column for each month, stacked by region, as SVG.
//!
//! ```text
//!  top ┬ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─   grid lines at round amounts
//!      │   ▓▓      ▓▓
//!      │   ▒▒  ▓▓  ▒▒          the largest region at the bottom
//!      │   ░░  ░░  ░░
//! base ┴───────────────────
//!        2025-07  …            and a legend in the page
//! ```

use std::fmt::Write;

use crate::escape::escaped;
use crate::money::{Money, grouped};
use crate::totals::Totals;

/// Colours of the regions, told apart by people who see few colours too (Okabe and Ito's).
pub(crate) const COLOURS: [&str; 7] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a8a"];

/// The drawing's size and the frame of its columns, in its own units, a third of a pixel on a wide screen: whole
/// numbers are fine enough.
const WIDTH: i64 = 2_580;
const HEIGHT: i64 = 1_020;
const LEFT: i64 = 222;
const RIGHT: i64 = 2_550;
const TOP: i64 = 78;
const BASE: i64 = 900;

/// Of a hundred parts of a month's width those that its column fills, and the widest column.
const FILL_PERCENT: i64 = 62;
const COLUMN_MAX: i64 = 330;

/// The colour of the region at this place; those after the last colour share it.
pub(crate) fn colour(index: usize) -> &'static str {
    COLOURS[index.min(COLOURS.len() - 1)]
}

/// The drawing.
pub(crate) fn chart(totals: &Totals) -> String {
    let highest = totals.by_month.iter().map(|month| month.sums.net).max().unwrap_or_default();
    let (step, top) = scale(highest);
    let mut svg = String::new();
    put(
        &mut svg,
        format_args!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Net sales by month and region">"#
        ),
    );
    let mut line = Money(0);
    while line <= top {
        let y = height_of(line, top);
        put(
            &mut svg,
            format_args!(
                r#"<line x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}" class="grid"/><text x="{}" y="{}" text-anchor="end">{}</text>"#,
                LEFT - 24,
                y + 12,
                grouped(line.0.unsigned_abs() / 100)
            ),
        );
        line += step;
    }
    columns(&mut svg, totals, top);
    svg.push_str("</svg>");
    svg
}

fn columns(svg: &mut String, totals: &Totals, top: Money) {
    let slot = (RIGHT - LEFT) / i64::try_from(totals.by_month.len().max(1)).unwrap_or(i64::MAX);
    let width = (slot * FILL_PERCENT / 100).min(COLUMN_MAX);
    let mut middle = LEFT - slot / 2;
    for month in &totals.by_month {
        middle += slot;
        let mut below = Money(0);
        for (place, region) in totals.by_region.iter().enumerate() {
            let Some(net) = totals.cells.get(&(month.name.clone(), region.name.clone())) else {
                continue;
            };
            let (bottom, y) = (height_of(below, top), height_of(below + *net, top));
            below += *net;
            put(
                svg,
                format_args!(
                    r#"<rect x="{}" y="{y}" width="{width}" height="{}" fill="{}"><title>{}, {}: R$ {net:#}</title></rect>"#,
                    middle - width / 2,
                    bottom - y,
                    colour(place),
                    escaped(&region.name),
                    escaped(&month.name)
                ),
            );
        }
        put(
            svg,
            format_args!(
                r#"<text x="{middle}" y="{}" text-anchor="middle">{}</text><text x="{middle}" y="{}" text-anchor="middle" class="sum">{}</text>"#,
                BASE + 60,
                escaped(&month.name),
                height_of(below, top) - 21,
                thousands(month.sums.net)
            ),
        );
    }
}

/// The distance between grid lines and the topmost one: three to six lines at 1, 2 or 5 times a power of ten.
fn scale(highest: Money) -> (Money, Money) {
    let target = highest.0.max(100) / 5 + 1;
    let mut power = 100;
    while power * 10 <= target {
        power *= 10;
    }
    let step =
        [1, 2, 5, 10].iter().map(|times| times * power).find(|step| *step >= target).unwrap_or(power * 10);
    (Money(step), Money(step * (highest.0.max(1) - 1).div_euclid(step) + step))
}

/// Where an amount is drawn; up is less.
fn height_of(amount: Money, top: Money) -> i64 {
    let height = i128::from(BASE - TOP) * i128::from(amount.0) / i128::from(top.0);
    BASE - i64::try_from(height).unwrap_or(BASE)
}

/// `1234567.89` as `1,234.6k`.
fn thousands(amount: Money) -> String {
    let tenths = (amount.0.unsigned_abs() + 5_000) / 10_000;
    format!("{}.{}k", grouped(tenths / 10), tenths % 10)
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round_and_holds_the_highest_column() {
        for cents in [0, 1, 99, 100, 123_456, 5_000_000, 5_000_001, 99_999_999_999] {
            let (step, top) = scale(Money(cents));

            let lines = top.0 / step.0;
            assert!(
                top.0 >= cents && top.0 % step.0 == 0 && (1..=6).contains(&lines),
                "{cents}: {step} {top}"
            );
        }
        assert_eq!(scale(Money(40_000_000)), (Money(10_000_000), Money(40_000_000)));
    }

    #[test]
    fn a_sum_is_shown_in_thousands() {
        assert_eq!(thousands(Money(123_456_789)), "1,234.6k");
        assert_eq!(thousands(Money(0)), "0.0k");
    }
}

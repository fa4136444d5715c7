//! The page: one file that needs nothing else, for a browser or a printer.

use std::fmt::Write;

use crate::Group;
use crate::chart::{chart, colour};
use crate::escape::escaped;
use crate::money::{Money, grouped};
use crate::request::Selection;
use crate::totals::{Sums, Totals};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(crate) fn page(report_type: &str, selection: &Selection, totals: &Totals) -> String {
    let title = escaped(&selection.title());
    let mut html = String::with_capacity(16 << 10);
    put(
        &mut html,
        format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <header>\n<h1>{title}</h1>\n<p>{}</p>\n</header>\n",
            subtitle(report_type, selection)
        ),
    );
    tiles(&mut html, &totals.all);
    html.push_str("<section>\n<h2>Net sales by month</h2>\n");
    html.push_str(&chart(totals));
    legend(&mut html, totals);
    html.push_str("</section>\n");
    table(&mut html, "Region", &totals.by_region, &totals.all);
    table(&mut html, "Product", &totals.by_product, &totals.all);
    table(&mut html, "Month", &totals.by_month, &totals.all);
    html.push_str(
        "<footer>Net is gross less discounts, in Brazilian reais, exact to the cent. \
         The rows are in <code>report.csv</code>.</footer>\n</main>\n</body>\n</html>\n",
    );
    html
}

fn subtitle(report_type: &str, selection: &Selection) -> String {
    let some = |names: &[String], all: &str| {
        if names.is_empty() { all.to_owned() } else { escaped(&names.join(", ")) }
    };
    let regions = some(&selection.regions, "all regions");
    let products = some(&selection.products, "all products");
    format!("<code>{}</code> · {regions} · {products}", escaped(report_type))
}

fn tiles(html: &mut String, all: &Sums) {
    html.push_str("<section class=\"tiles\">\n");
    let money = |amount: Money| format!("R$ {amount:#}");
    let tiles = [
        ("Net sales", money(all.net)),
        ("Gross", money(all.gross)),
        ("Discounts", money(all.discount)),
        ("Units", grouped(all.units)),
    ];
    for (name, value) in tiles {
        put(html, format_args!("<div><span>{name}</span><b>{value}</b></div>\n"));
    }
    html.push_str("</section>\n");
}

fn legend(html: &mut String, totals: &Totals) {
    html.push_str("\n<p class=\"legend\">");
    for (place, region) in totals.by_region.iter().enumerate() {
        let (colour, name) = (colour(place), escaped(&region.name));
        put(html, format_args!("<span><i style=\"background:{colour}\"></i>{name}</span>"));
    }
    html.push_str("</p>\n");
}

fn table(html: &mut String, what: &str, groups: &[Group], all: &Sums) {
    put(
        html,
        format_args!(
            "<section>\n<h2>By {}</h2>\n<table>\n<thead><tr><th>{what}</th><th>Units</th><th>Gross</th>\
             <th>Discount</th><th>Net</th><th>Share</th></tr></thead>\n<tbody>\n",
            what.to_lowercase()
        ),
    );
    for group in groups {
        row(html, &group.name, &group.sums, all);
    }
    html.push_str("</tbody>\n<tfoot>\n");
    row(html, "Total", all, all);
    html.push_str("</tfoot>\n</table>\n</section>\n");
}

fn row(html: &mut String, name: &str, sums: &Sums, all: &Sums) {
    let Sums { units, gross, discount, net } = sums;
    put(
        html,
        format_args!(
            "<tr><td>{}</td><td>{}</td><td>{gross:#}</td><td>{discount:#}</td><td>{net:#}</td><td>{}</td></tr>\n",
            escaped(name),
            grouped(*units),
            share(*net, all.net)
        ),
    );
}

/// `12.3 %`, rounded to the nearest tenth.
fn share(part: Money, whole: Money) -> String {
    if whole.0 <= 0 {
        return "–".to_owned();
    }
    let (part, whole) = (i128::from(part.0), i128::from(whole.0));
    let tenths = (part * 2_000 + whole) / (whole * 2);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_place() {
        assert_eq!(escaped(r#"<a b="c">'&"#), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
    }

    #[test]
    fn a_share_is_rounded_to_the_nearest_tenth() {
        assert_eq!(share(Money(1), Money(3)), "33.3 %");
        assert_eq!(share(Money(2), Money(3)), "66.7 %");
        assert_eq!(share(Money(3), Money(3)), "100.0 %");
        assert_eq!(share(Money(0), Money(0)), "–");
    }
}

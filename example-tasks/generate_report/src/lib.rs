//! Makes a sales report: totals, an HTML page with a chart and a CSV.
//!
//! The data lie in `data/sales.csv` and are part of the component. Money is counted in whole cents and written as
//! text with two decimals (`"1234.50"`): a JSON number is a binary fraction in most readers, and sums of those drift.

mod chart;
mod escape;
mod money;
mod page;
mod request;
mod sales;
mod totals;

use schemars::JsonSchema;
use serde::Serialize;
use task_sdk::{OrFail, TaskError, files, log, progress, task};

use request::{ReportRequest, Selection};
use sales::{Sale, SalesData};
use totals::{Sums, Totals};

task_sdk::tasks![generate_report];

/// The page among the job's files.
const PAGE: &str = "report.html";

/// The rows among the job's files.
const TABLE: &str = "report.csv";

/// Totals of the sales that were asked for.
#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    /// The report that was asked for.
    report_type: String,
    /// The months it covers.
    period: Period,
    /// The filters as they were understood; an empty list lets everything through.
    filters: Filters,
    /// What the money is counted in (ISO 4217).
    currency: String,
    /// How many sales were added up.
    rows: usize,
    /// All of them together.
    totals: Sums,
    /// By region, the largest first.
    by_region: Vec<Group>,
    /// By product, the largest first.
    by_product: Vec<Group>,
    /// By month (`2025-07`), in order.
    by_month: Vec<Group>,
    /// Names of the job's files.
    files: Vec<String>,
}

/// The months a report covers.
#[derive(Debug, Serialize, JsonSchema)]
struct Period {
    /// The quarter; none: whole years.
    quarter: Option<u8>,
    /// The years.
    years: Vec<u16>,
}

/// The filters as they were understood.
#[derive(Debug, Serialize, JsonSchema)]
struct Filters {
    /// Regions.
    region: Vec<String>,
    /// Products.
    product: Vec<String>,
}

/// The sums of one region, product or month.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Group {
    /// Which.
    name: String,
    /// Its sums.
    #[serde(flatten)]
    sums: Sums,
}

/// Makes a sales report of a quarter or a year: totals by region, product and month.
///
/// Attaches `report.html`, a page with a chart, and `report.csv`, the sales that were added up.
#[task(timeout = "1m", memory = "64MiB")]
fn generate_report(request: ReportRequest) -> Result<Report, TaskError> {
    progress::report(5, "reading the sales");
    let data = SalesData::read(sales::SALES).or_permanent("read the sales")?;
    let selection = Selection::of(&request, &data).inspect_err(|error| log::error!("{error}"))?;

    progress::report(30, "adding up");
    let rows: Vec<&Sale> = data.rows.iter().filter(|sale| selection.takes(sale)).collect();
    log::info!("{}: {} of {} sales", selection.title(), rows.len(), data.rows.len());
    if rows.is_empty() {
        log::warn!("no sale fits all filters together");
    }
    let totals = Totals::of(&rows, &selection);

    progress::report(60, "drawing the page");
    let page = page::page(&request.report_type, &selection, &totals);
    files::write(PAGE, "text/html; charset=utf-8", page)?;

    progress::report(80, "writing the table");
    files::write(TABLE, "text/csv; charset=utf-8", sales::table(&rows).or_permanent("write the table")?)?;

    progress::report(100, "done");
    Ok(report(request.report_type, selection, rows.len(), totals))
}

fn report(report_type: String, selection: Selection, rows: usize, totals: Totals) -> Report {
    Report {
        report_type,
        period: Period { quarter: selection.quarter, years: selection.years },
        filters: Filters { region: selection.regions, product: selection.products },
        currency: sales::CURRENCY.to_owned(),
        rows,
        totals: totals.all,
        by_region: totals.by_region,
        by_product: totals.by_product,
        by_month: totals.by_month,
        files: vec![PAGE.to_owned(), TABLE.to_owned()],
    }
}

#[cfg(test)]
mod tests;

//! Makes a sales report: totals, an HTML page with a chart and a CSV.

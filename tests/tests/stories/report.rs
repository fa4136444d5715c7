//! The report's figures are those of the sales data, added up here by other means.

use std::collections::BTreeMap;

use serde_json::Value;
use stories::{Footing, Jobctl, System, component, project};

/// The columns of the data.
const DATE: usize = 0;
const REGION: usize = 1;
const PRODUCT: usize = 2;
const UNITS: usize = 3;
const UNIT_PRICE: usize = 4;
const DISCOUNT: usize = 5;

/// Sums of sales, money in cents.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sums {
    units: i128,
    gross: i128,
    discount: i128,
}

impl Sums {
    fn add(&mut self, sale: &csv::StringRecord) {
        let units: i128 = sale[UNITS].parse().expect("a number");
        self.units += units;
        self.gross += units * cents(&sale[UNIT_PRICE]);
        self.discount += cents(&sale[DISCOUNT]);
    }

    /// What the report says.
    fn reported(sums: &Value) -> Self {
        let money = |field: &str| cents(sums[field].as_str().unwrap_or_else(|| panic!("no {field}: {sums}")));
        let sums = Self {
            units: sums["units"].as_u64().unwrap_or_else(|| panic!("no units: {sums}")).into(),
            gross: money("gross"),
            discount: money("discount"),
        };
        assert_eq!(money("net"), sums.gross - sums.discount);
        sums
    }
}

fn cents(text: &str) -> i128 {
    let (whole, cents) = text.split_once('.').unwrap_or_else(|| panic!("{text:?} has no cents"));
    assert_eq!(cents.len(), 2, "{text:?}");
    format!("{whole}{cents}").parse().unwrap_or_else(|e| panic!("{text:?}: {e}"))
}

/// The sales that are wanted.
fn sales(wanted: impl Fn(&csv::StringRecord) -> bool) -> Vec<csv::StringRecord> {
    let path = project().join("example-tasks/generate_report/data/sales.csv");
    let mut reader = csv::Reader::from_path(path).expect("it is there");
    reader.records().map(|record| record.expect("a record")).filter(wanted).collect()
}

fn sum<'a>(sales: impl IntoIterator<Item = &'a csv::StringRecord>) -> Sums {
    let mut sums = Sums::default();
    sales.into_iter().for_each(|sale| sums.add(sale));
    sums
}

fn grouped(
    sales: &[csv::StringRecord],
    name: impl Fn(&csv::StringRecord) -> String,
) -> BTreeMap<String, Sums> {
    let mut groups: BTreeMap<_, Sums> = BTreeMap::new();
    sales.iter().for_each(|sale| groups.entry(name(sale)).or_default().add(sale));
    groups
}

fn reported_groups(groups: &Value) -> BTreeMap<String, Sums> {
    let groups = groups.as_array().unwrap_or_else(|| panic!("no list: {groups}")).iter();
    groups.map(|group| (group["name"].as_str().expect("a name").to_owned(), Sums::reported(group))).collect()
}

fn published() -> (System, Jobctl) {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&component("generate_report"), &[]);
    (system, jobctl)
}

fn fetch(jobctl: &Jobctl, id: &str, name: &str) -> String {
    let answer = jobctl.run(&["job", "file", id, name]);
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.stdout
}

#[test]
fn the_totals_are_those_of_the_sales_data() {
    let (_system, jobctl) = published();
    let third_quarter = |sale: &csv::StringRecord| ("2025-07".."2025-10").contains(&&sale[DATE]);
    let sales = sales(third_quarter);
    assert!(sales.len() > 20, "the data have a third quarter of 2025");

    let job = jobctl.json(&[
        "enqueue",
        "generate_report",
        r#"{"report_type": "vendas_Q3", "filters": {}}"#,
        "--wait",
    ]);

    let report = &job["result"];
    assert_eq!(report["rows"], sales.len(), "{report}");
    assert_eq!(Sums::reported(&report["totals"]), sum(&sales));
    assert_eq!(reported_groups(&report["by_region"]), grouped(&sales, |sale| sale[REGION].to_owned()));
    assert_eq!(reported_groups(&report["by_product"]), grouped(&sales, |sale| sale[PRODUCT].to_owned()));
    assert_eq!(reported_groups(&report["by_month"]), grouped(&sales, |sale| sale[DATE][..7].to_owned()));
}

#[test]
fn filters_leave_out_what_they_say() {
    let (_system, jobctl) = published();
    let wanted = |sale: &csv::StringRecord| {
        ("2024-01".."2024-04").contains(&&sale[DATE])
            && ["São Paulo", "Bahia"].contains(&&sale[REGION])
            && &sale[PRODUCT] == "Notebook"
    };
    let request = r#"{"report_type": "vendas_Q1_2024", "filters": {"region": ["sao paulo", "Bahia"], "product": "Notebook"}}"#;

    let job = jobctl.json(&["enqueue", "generate_report", request, "--wait"]);

    let expected = sum(&sales(wanted));
    assert!(expected.units > 0, "there is something to add up");
    assert_eq!(Sums::reported(&job["result"]["totals"]), expected);
}

#[test]
fn the_files_are_fetched_whole_and_say_the_same() {
    let (system, jobctl) = published();
    let job = jobctl.json(&["enqueue", "generate_report", r#"{"report_type": "vendas_Q3"}"#, "--wait"]);
    let id = job["id"].as_str().expect("an id");
    let totals = Sums::reported(&job["result"]["totals"]);

    let table = fetch(&jobctl, id, "report.csv");
    let page = fetch(&jobctl, id, "report.html");
    let saved = system.folder().join("saved.html");
    let answer =
        jobctl.run(&["job", "file", id, "report.html", "--out", saved.to_str().expect("a plain path")]);

    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let columns = reader.headers().expect("a header").clone();
    let column = |name: &str| columns.iter().position(|column| column == name).expect(name);
    let (units, gross, discount) = (column("units"), column("gross"), column("discount"));
    let mut sums = Sums::default();
    for row in reader.records() {
        let row = row.expect("a record");
        sums.units += row[units].parse::<i128>().expect("a number");
        sums.gross += cents(&row[gross]);
        sums.discount += cents(&row[discount]);
    }
    assert_eq!(sums, totals);
    assert!(page.contains("<svg") && page.trim_end().ends_with("</html>"), "a page with a chart");
    let digits = page.replace([',', '.', '\u{a0}', '\u{202f}'], "");
    assert!(digits.contains(&(totals.gross - totals.discount).to_string()), "the page shows what was paid");
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(std::fs::read_to_string(saved).expect("it was saved"), page);
    let listed = jobctl.list(&["job", "files", id]);
    let sizes: BTreeMap<_, _> =
        listed.iter().map(|file| (file["name"].to_string(), &file["size_bytes"])).collect();
    assert_eq!(sizes.len(), 2, "{listed:?}");
    assert_eq!(sizes["\"report.csv\""], table.len());
    assert_eq!(sizes["\"report.html\""], page.len());
    assert_eq!(jobctl.refusal(3, &["job", "file", id, "nosuch.txt", "--out", "."])["code"], "not_found");
}

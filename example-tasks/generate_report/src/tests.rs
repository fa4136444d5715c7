//! The report as a whole, held against sums that are computed in another way.

use serde_json::{Value, json};
use task_sdk::testing::{self, Host, Played};
use task_sdk::{Kind, TaskError};

use crate::generate_report;
use crate::sales::SALES;

fn play(payload: Value) -> Played<Result<Value, TaskError>> {
    Host::new().run::<generate_report>(payload)
}

/// Units and, in tenths of a cent, gross, discount and net of the lines that are wanted: read with nothing but
/// `split` and whole numbers made of the digits.
fn independent(wanted: impl Fn(&[&str]) -> bool) -> [i128; 4] {
    let digits = |text: &str| text.replace('.', "").parse::<i128>().expect("digits") * 10;
    let mut sums = [0; 4];
    for line in SALES.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        if wanted(&fields) {
            let units: i128 = fields[3].parse().expect("digits");
            let (gross, discount) = (units * digits(fields[4]), digits(fields[5]));
            for (sum, value) in sums.iter_mut().zip([units, gross, discount, gross - discount]) {
                *sum += value;
            }
        }
    }
    sums
}

fn reported(sums: &Value) -> [i128; 4] {
    let money = |field: &str| {
        let text = sums[field].as_str().expect("money is text");
        text.replace('.', "").parse::<i128>().expect("digits") * 10
    };
    [i128::from(sums["units"].as_u64().expect("a number")), money("gross"), money("discount"), money("net")]
}

fn in_third_quarter(date: &str) -> bool {
    ["2025-07", "2025-08", "2025-09"].iter().any(|month| date.starts_with(month))
}

#[test]
fn the_totals_are_those_that_an_independent_sum_finds() {
    let report = play(json!({"report_type": "vendas_Q3", "filters": {}})).result.expect("a report");

    assert_eq!(reported(&report["totals"]), independent(|fields| in_third_quarter(fields[0])));
    for (list, column) in [("by_region", 1), ("by_product", 2)] {
        let groups = report[list].as_array().expect("a list");
        assert_eq!(groups.len(), 5, "{list}");
        for group in groups {
            let expected =
                independent(|fields| in_third_quarter(fields[0]) && group["name"] == fields[column]);
            assert_eq!(reported(group), expected, "{group}");
        }
    }
    for (group, month) in report["by_month"].as_array().expect("a list").iter().zip(["07", "08", "09"]) {
        let month = format!("2025-{month}");
        assert_eq!(group["name"], month);
        assert_eq!(reported(group), independent(|fields| fields[0].starts_with(&month)), "{group}");
    }
}

#[test]
fn filters_leave_out_the_rest() {
    let filters = json!({"region": "São Paulo", "product": ["Notebook", "Monitor"], "year": [2024, 2025]});

    let report = play(json!({"report_type": "vendas_Q4", "filters": filters})).result.expect("a report");

    let expected = independent(|fields| {
        ["-10-", "-11-", "-12-"].iter().any(|month| fields[0].contains(month))
            && fields[1] == "São Paulo"
            && ["Notebook", "Monitor"].contains(&fields[2])
    });
    assert_eq!(reported(&report["totals"]), expected);
    assert_eq!(report["period"], json!({"quarter": 4, "years": [2024, 2025]}));
    assert_eq!(report["by_month"].as_array().map(Vec::len), Some(6));
    assert_eq!(report["by_region"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_files_say_what_the_result_says() {
    let played = play(json!({"report_type": "vendas_2024", "filters": {"region": "bahia"}}));

    let report = played.result.expect("a report");
    let page = String::from_utf8(played.recording.files["report.html"].data.clone()).expect("text");
    let table = String::from_utf8(played.recording.files["report.csv"].data.clone()).expect("text");
    let net = report["totals"]["net"].as_str().expect("text");
    assert_eq!(table.lines().count() as u64, report["rows"].as_u64().expect("a number") + 1);
    let sum: i128 = table
        .lines()
        .skip(1)
        .map(|line| {
            line.rsplit(',').next().expect("a field").replace('.', "").parse::<i128>().expect("digits")
        })
        .sum();
    assert_eq!(sum, net.replace('.', "").parse::<i128>().expect("digits"));
    assert!(page.replace(',', "").contains(&format!("R$ {net}")), "the page has the total");
    for part in ["<!doctype html>", "<svg", "</svg>", "Bahia", "</html>"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(report["files"], json!(["report.html", "report.csv"]));
    let percents: Vec<u8> = played.recording.progress.iter().map(|(percent, _)| *percent).collect();
    assert!(percents.is_sorted() && percents.last() == Some(&100), "{percents:?}");
    assert!(!played.recording.logs.is_empty());
}

#[test]
fn what_is_not_there_fails_for_good_and_leaves_no_file() {
    let played = play(json!({"report_type": "vendas_Q3", "filters": {"region": "<b>Atlantis"}}));

    let error = played.result.expect_err("no such region");
    assert_eq!(error.kind(), Kind::Permanent);
    assert!(error.message().contains("there are Bahia"), "{error}");
    assert!(played.recording.files.is_empty());
}

#[test]
fn the_schema_tells_reports_and_filters() {
    let description = testing::describe::<generate_report>();

    let schema: Value = serde_json::from_str(&description.input_schema).expect("it is JSON");
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(schema["required"], json!(["report_type"]));
    assert!(schema["properties"]["report_type"]["pattern"].is_string(), "{schema}");
    let filters = &schema["$defs"]["RequestFilters"];
    assert_eq!(filters["additionalProperties"], json!(false));
    for filter in ["region", "product", "year"] {
        assert!(filters["properties"][filter]["description"].is_string(), "{filter}: {schema}");
    }
}

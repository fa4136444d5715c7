//! What is asked for, and what that means for the data that are there.

use std::collections::BTreeSet;
use std::fmt::Display;

use schemars::JsonSchema;
use serde::Deserialize;
use task_sdk::TaskError;

use crate::sales::{Sale, SalesData};

/// Which report to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportRequest {
    /// A quarter, `vendas_Q1` to `vendas_Q4` (of the latest year in the data, unless `filters.year` says
    /// otherwise); a quarter of a year, `vendas_Q3_2025`; or a year, `vendas_2025`.
    #[schemars(regex(pattern = r"^vendas_(Q[1-4](_[0-9]{4})?|[0-9]{4})$"), example = &"vendas_Q3")]
    pub(crate) report_type: String,
    /// What to leave out; without filters, nothing.
    #[serde(default)]
    pub(crate) filters: RequestFilters,
}

/// Only sales that fit every filter are added up.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestFilters {
    /// A region or a list of regions. Case and accents do not matter: `sao paulo` is `São Paulo`.
    #[schemars(example = &"São Paulo")]
    region: Option<Names>,
    /// A product or a list of products.
    #[schemars(example = &"Notebook")]
    product: Option<Names>,
    /// A year or a list of years.
    #[schemars(example = 2025)]
    year: Option<Years>,
}

/// One name or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a name or a list of names")]
enum Names {
    One(String),
    Many(#[schemars(length(min = 1))] Vec<String>),
}

/// One year or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a year or a list of years")]
enum Years {
    One(Year),
    Many(#[schemars(length(min = 1))] Vec<Year>),
}

/// A year as a number or as a text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a year such as 2025")]
enum Year {
    Number(u16),
    Text(#[schemars(regex(pattern = "^[0-9]{4}$"))] String),
}

/// The sales that are asked for. Empty lists of names let everything through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The quarter, 1 to 4; none: whole years.
    pub(crate) quarter: Option<u8>,
    /// The years, in order.
    pub(crate) years: Vec<u16>,
    /// The regions, as the data spell them.
    pub(crate) regions: Vec<String>,
    /// The products, as the data spell them.
    pub(crate) products: Vec<String>,
}

impl Selection {
    /// What `request` means for `data`.
    ///
    /// # Errors
    /// Permanent: a report, region, product or year that is not there; the message lists those that are.
    pub(crate) fn of(request: &ReportRequest, data: &SalesData) -> Result<Self, TaskError> {
        let (quarter, year) = report(&request.report_type).ok_or_else(|| {
            let seen = &request.report_type;
            TaskError::permanent(format!(
                "there is no report {seen:?}; there are vendas_Q1 to vendas_Q4, vendas_Q1_YEAR to vendas_Q4_YEAR and \
                 vendas_YEAR, with YEAR one of {}",
                list(&data.years)
            ))
        })?;
        let filters = &request.filters;
        Ok(Self {
            quarter,
            years: years(year, filters.year.as_ref(), data)?,
            regions: names("region", filters.region.as_ref(), &data.regions)?,
            products: names("product", filters.product.as_ref(), &data.products)?,
        })
    }

    /// Whether this sale is asked for.
    pub(crate) fn takes(&self, sale: &Sale) -> bool {
        let among = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        self.months().contains(&sale.month)
            && self.years.contains(&sale.year)
            && among(&self.regions, &sale.region)
            && among(&self.products, &sale.product)
    }

    /// The months of each year.
    pub(crate) fn months(&self) -> std::ops::RangeInclusive<u8> {
        match self.quarter {
            Some(quarter) => quarter * 3 - 2..=quarter * 3,
            None => 1..=12,
        }
    }

    /// For people: `Sales Q3 2025`.
    pub(crate) fn title(&self) -> String {
        let years = list(&self.years);
        match self.quarter {
            Some(quarter) => format!("Sales Q{quarter} {years}"),
            None => format!("Sales {years}"),
        }
    }
}

/// Quarter and year of a report's name.
fn report(name: &str) -> Option<(Option<u8>, Option<u16>)> {
    let rest = name.strip_prefix("vendas_")?;
    let Some(rest) = rest.strip_prefix('Q') else {
        return Some((None, Some(four_digits(rest)?)));
    };
    let (quarter, year) = match rest.split_once('_') {
        Some((quarter, year)) => (quarter, Some(four_digits(year)?)),
        None => (rest, None),
    };
    let quarter = ["1", "2", "3", "4"].iter().position(|known| *known == quarter)?;
    Some((u8::try_from(quarter + 1).ok(), year))
}

fn four_digits(text: &str) -> Option<u16> {
    (text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The years that the report's name says, or else the filter, or else the latest.
fn years(named: Option<u16>, filter: Option<&Years>, data: &SalesData) -> Result<Vec<u16>, TaskError> {
    let wanted: BTreeSet<u16> = match filter {
        None => BTreeSet::new(),
        Some(Years::One(year)) => BTreeSet::from([number(year, data)?]),
        Some(Years::Many(years)) => years.iter().map(|year| number(year, data)).collect::<Result<_, _>>()?,
    };
    if let Some(named) = named {
        if !wanted.is_empty() && wanted != BTreeSet::from([named]) {
            return Err(TaskError::permanent(format!(
                "the report is of {named}, the filter says {}: say the year once",
                list(&wanted)
            )));
        }
        return Ok(vec![there("year", named, &data.years)?]);
    }
    if wanted.is_empty() {
        return Ok(data.years.last().copied().into_iter().collect());
    }
    Ok(wanted.into_iter().collect())
}

fn number(year: &Year, data: &SalesData) -> Result<u16, TaskError> {
    let (number, seen) = match year {
        Year::Number(number) => (Some(*number), number.to_string()),
        Year::Text(text) => (four_digits(text), text.clone()),
    };
    let number = number.ok_or_else(|| unknown("year", &seen, &data.years))?;
    there("year", number, &data.years)
}

fn there(what: &str, wanted: u16, known: &BTreeSet<u16>) -> Result<u16, TaskError> {
    if known.contains(&wanted) { Ok(wanted) } else { Err(unknown(what, &wanted.to_string(), known)) }
}

/// The names of the filter as the data spell them, each once.
fn names(what: &str, filter: Option<&Names>, known: &BTreeSet<String>) -> Result<Vec<String>, TaskError> {
    let wanted = match filter {
        None => return Ok(Vec::new()),
        Some(Names::One(name)) => std::slice::from_ref(name),
        Some(Names::Many(names)) => names,
    };
    let mut found = BTreeSet::new();
    for name in wanted {
        let plain = plain(name);
        let spelt = known.iter().find(|known| self::plain(known) == plain);
        found.insert(spelt.ok_or_else(|| unknown(what, name, known))?.clone());
    }
    Ok(found.into_iter().collect())
}

fn unknown<T: Display>(what: &str, seen: &str, known: &BTreeSet<T>) -> TaskError {
    TaskError::permanent(format!("there is no {what} {seen:?}; there are {}", list(known)))
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// A name in lower case and without the accents of Portuguese.
fn plain(name: &str) -> String {
    let letters = name.trim().chars().flat_map(char::to_lowercase);
    letters
        .map(|letter| match letter {
            'á' | 'à' | 'â' | 'ã' => 'a',
            'é' | 'ê' => 'e',
            'í' => 'i',
            'ó' | 'ô' | 'õ' => 'o',
            'ú' | 'ü' => 'u',
            'ç' => 'c',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sales::SALES;

    fn select(request: Value) -> Result<Selection, TaskError> {
        let request = serde_json::from_value(request).expect("it fits");
        Selection::of(&request, &SalesData::read(SALES).expect("it is well-formed"))
    }

    fn period(request: Value) -> (Option<u8>, Vec<u16>) {
        let selection = select(request).expect("it is there");
        (selection.quarter, selection.years)
    }

    #[test]
    fn a_report_is_of_a_quarter_or_a_year() {
        assert_eq!(period(json!({"report_type": "vendas_Q3"})), (Some(3), vec![2025]));
        assert_eq!(period(json!({"report_type": "vendas_Q1_2024"})), (Some(1), vec![2024]));
        assert_eq!(period(json!({"report_type": "vendas_2024"})), (None, vec![2024]));
        assert_eq!(
            period(json!({"report_type": "vendas_Q3", "filters": {"year": ["2025", 2024]}})),
            (Some(3), vec![2024, 2025])
        );
        assert_eq!(
            period(json!({"report_type": "vendas_Q3_2024", "filters": {"year": 2024}})),
            (Some(3), vec![2024])
        );
    }

    #[test]
    fn names_are_found_whatever_their_case_and_accents() {
        let filters = json!({"region": ["SAO PAULO", "paraná", "Paraná"], "product": "fone de ouvido"});

        let selection =
            select(json!({"report_type": "vendas_Q3", "filters": filters})).expect("they are there");

        assert_eq!(selection.regions, ["Paraná", "São Paulo"]);
        assert_eq!(selection.products, ["Fone de ouvido"]);
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let cases = [
            (json!({"report_type": "vendas_Q5"}), "there are vendas_Q1 to vendas_Q4"),
            (json!({"report_type": "vendas_Q3_2031"}), "there is no year \"2031\"; there are 2024, 2025"),
            (json!({"report_type": "vendas_Q3", "filters": {"year": "MMXXV"}}), "there are 2024, 2025"),
            (json!({"report_type": "vendas_Q3_2024", "filters": {"year": 2025}}), "say the year once"),
            (
                json!({"report_type": "vendas_Q3", "filters": {"region": "Atlantis"}}),
                "there is no region \"Atlantis\"; there are Bahia, Minas Gerais, Paraná",
            ),
            (
                json!({"report_type": "vendas_Q3", "filters": {"product": ["Monitor", "x"]}}),
                "there are Cadeira",
            ),
        ];

        for (request, expected) in cases {
            let error = select(request).expect_err(expected);
            assert!(error.message().contains(expected), "{error}");
            assert_eq!(error.kind(), task_sdk::Kind::Permanent);
        }
    }

    #[test]
    fn a_filter_that_nobody_knows_is_told_with_those_that_are_known() {
        let error = serde_json::from_value::<ReportRequest>(
            json!({"report_type": "vendas_Q3", "filters": {"colour": "red"}}),
        )
        .expect_err("no such filter");

        assert!(error.to_string().contains("expected one of `region`, `product`, `year`"), "{error}");
    }
}

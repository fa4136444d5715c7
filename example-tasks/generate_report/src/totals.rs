//! Adds up.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::Group;
use crate::money::Money;
use crate::request::Selection;
use crate::sales::{Sale, month_name};

/// What some sales make together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Sums {
    /// How many pieces.
    pub(crate) units: u64,
    /// Units times price.
    pub(crate) gross: Money,
    /// What was taken off.
    pub(crate) discount: Money,
    /// What was paid: gross less discount.
    pub(crate) net: Money,
}

/// All sums of a report.
#[derive(Debug, Clone)]
pub(crate) struct Totals {
    /// Of everything.
    pub(crate) all: Sums,
    /// The largest first.
    pub(crate) by_region: Vec<Group>,
    /// The largest first.
    pub(crate) by_product: Vec<Group>,
    /// In order; every month of the period, sold or not.
    pub(crate) by_month: Vec<Group>,
    /// What was paid in a month (`2025-07`) in a region.
    pub(crate) cells: BTreeMap<(String, String), Money>,
}

impl Sums {
    fn add(&mut self, sale: &Sale) {
        self.units += u64::from(sale.units);
        self.gross += sale.gross();
        self.discount += sale.discount;
        self.net += sale.net();
    }
}

impl Totals {
    /// The sums of `rows`, which `selection` has taken.
    pub(crate) fn of(rows: &[&Sale], selection: &Selection) -> Self {
        let mut all = Sums::default();
        let mut cells: BTreeMap<(String, String), Money> = BTreeMap::new();
        for sale in rows {
            all.add(sale);
            *cells.entry((sale.month_name(), sale.region.clone())).or_default() += sale.net();
        }
        let months =
            selection.years.iter().flat_map(|year| selection.months().map(|month| month_name(*year, month)));
        Self {
            all,
            by_region: largest_first(grouped(rows, |sale| sale.region.clone(), selection.regions.clone())),
            by_product: largest_first(grouped(rows, |sale| sale.product.clone(), selection.products.clone())),
            by_month: grouped(rows, Sale::month_name, months),
            cells,
        }
    }
}

/// The sums by name, in the order of the names; `names` are there even if nothing was sold.
fn grouped(
    rows: &[&Sale],
    name_of: impl Fn(&Sale) -> String,
    names: impl IntoIterator<Item = String>,
) -> Vec<Group> {
    let mut groups: BTreeMap<String, Sums> = BTreeMap::new();
    for name in names {
        groups.insert(name, Sums::default());
    }
    for sale in rows {
        groups.entry(name_of(sale)).or_default().add(sale);
    }
    groups.into_iter().map(|(name, sums)| Group { name, sums }).collect()
}

fn largest_first(mut groups: Vec<Group>) -> Vec<Group> {
    groups.sort_by(|left, right| right.sums.net.cmp(&left.sums.net).then_with(|| left.name.cmp(&right.name)));
    groups
}

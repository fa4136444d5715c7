//! The sales: what is in `data/sales.csv`.

use std::collections::BTreeSet;

use crate::money::Money;

/// The file itself.
pub(crate) const SALES: &str = include_str!("../data/sales.csv");

/// What its amounts are counted in.
pub(crate) const CURRENCY: &str = "BRL";

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sale {
    /// The day, `2025-07-31`.
    pub(crate) date: String,
    /// Its year.
    pub(crate) year: u16,
    /// Its month, 1 to 12.
    pub(crate) month: u8,
    /// Where it was sold.
    pub(crate) region: String,
    /// What was sold.
    pub(crate) product: String,
    /// How many.
    pub(crate) units: u32,
    /// The price of each.
    pub(crate) unit_price: Money,
    /// What the whole line was reduced by.
    pub(crate) discount: Money,
}

/// All of them, and what they are about.
#[derive(Debug)]
pub(crate) struct SalesData {
    /// In the file's order.
    pub(crate) rows: Vec<Sale>,
    /// All regions.
    pub(crate) regions: BTreeSet<String>,
    /// All products.
    pub(crate) products: BTreeSet<String>,
    /// All years.
    pub(crate) years: BTreeSet<u16>,
}

/// The file's columns, in order.
const COLUMNS: [&str; 6] = ["date", "region", "product", "units", "unit_price", "discount"];

impl Sale {
    /// Units times price.
    pub(crate) fn gross(&self) -> Money {
        self.unit_price * self.units
    }

    /// What was paid: gross less discount.
    pub(crate) fn net(&self) -> Money {
        self.gross() - self.discount
    }

    /// The month as `2025-07`.
    pub(crate) fn month_name(&self) -> String {
        month_name(self.year, self.month)
    }

    fn of(fields: [&str; COLUMNS.len()]) -> Result<Self, Box<dyn std::error::Error>> {
        let [date, region, product, units, unit_price, discount] = fields;
        let (year, month) = year_and_month(date).ok_or_else(|| format!("{date:?} is no day"))?;
        Ok(Self {
            date: date.to_owned(),
            year,
            month,
            region: region.to_owned(),
            product: product.to_owned(),
            units: units.parse().map_err(|error| format!("units {units:?}: {error}"))?,
            unit_price: unit_price.parse()?,
            discount: discount.parse()?,
        })
    }
}

/// A month as `2025-07`, which sorts as it should.
pub(crate) fn month_name(year: u16, month: u8) -> String {
    format!("{year}-{month:02}")
}

fn year_and_month(date: &str) -> Option<(u16, u8)> {
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let month = month.parse().ok().filter(|month| (1..=12).contains(month))?;
    day.parse::<u8>().ok().filter(|day| (1..=31).contains(day))?;
    Some((year.parse().ok()?, month))
}

impl SalesData {
    /// Reads the text of a file with these columns.
    pub(crate) fn read(text: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        if reader.headers()? != COLUMNS.as_slice() {
            return Err(format!("the columns are not {}", COLUMNS.join(",")).into());
        }
        let mut data = Self {
            rows: Vec::new(),
            regions: BTreeSet::new(),
            products: BTreeSet::new(),
            years: BTreeSet::new(),
        };
        for record in reader.records() {
            let record = record?;
            let place = record.position().map_or(0, csv::Position::line);
            let sale = Sale::of(std::array::from_fn(|column| &record[column]))
                .map_err(|error| format!("line {place}: {error}"))?;
            data.regions.insert(sale.region.clone());
            data.products.insert(sale.product.clone());
            data.years.insert(sale.year);
            data.rows.push(sale);
        }
        Ok(data)
    }
}

/// These sales as a CSV, with what each made.
pub(crate) fn table(rows: &[&Sale]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["date", "region", "product", "units", "unit_price", "gross", "discount", "net"])?;
    for sale in rows {
        writer.write_record([
            &sale.date,
            &sale.region,
            &sale.product,
            &sale.units.to_string(),
            &sale.unit_price.to_string(),
            &sale.gross().to_string(),
            &sale.discount.to_string(),
            &sale.net().to_string(),
        ])?;
    }
    Ok(writer.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_in_the_file_is_told_with_its_line() {
        let header = "date,region,product,units,unit_price,discount\n";
        let cases = [
            ("2025-13-01,Bahia,Monitor,1,1.00,0.00", "line 2: \"2025-13-01\" is no day"),
            ("2025-01-01,Bahia,Monitor,1,1.0,0.00", "line 2: \"1.0\" is not an amount"),
            ("2025-01-01,Bahia,Monitor,x,1.00,0.00", "line 2: units \"x\""),
            ("2025-01-01,Bahia", "line: 2"),
        ];

        for (line, expected) in cases {
            let error = SalesData::read(&format!("{header}{line}\n")).expect_err(line).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = SalesData::read("date,product\n").expect_err("other columns").to_string();
        assert!(error.contains("the columns are not date,region"), "{error}");
    }

    #[test]
    fn the_file_has_two_years_of_all_regions_and_products() {
        let data = SalesData::read(SALES).expect("it is well-formed");

        assert_eq!(data.years, BTreeSet::from([2024, 2025]));
        assert_eq!((data.regions.len(), data.products.len()), (5, 5));
        assert!(data.rows.iter().all(|sale| sale.net() > Money(0)));
    }
}

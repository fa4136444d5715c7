//! Money in whole cents.

use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// An amount in cents. Sums of it are exact; an `i64` holds some 90 thousand billions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Money(pub(crate) i64);

/// The text is not an amount with two decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotMoney(String);

impl FromStr for Money {
    type Err = NotMoney;

    /// Reads `1199.90`: digits, a point and two digits.
    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let refuse = || NotMoney(text.to_owned());
        let (whole, cents) = text.split_once('.').ok_or_else(refuse)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(cents) || cents.len() != 2 {
            return Err(refuse());
        }
        let whole: i64 = whole.parse().map_err(|_| refuse())?;
        let cents: i64 = cents.parse().map_err(|_| refuse())?;
        whole.checked_mul(100).and_then(|all| all.checked_add(cents)).map(Self).ok_or_else(refuse)
    }
}

impl fmt::Display for NotMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an amount like 1199.90", self.0)
    }
}

impl std::error::Error for NotMoney {}

/// `1199.90`; with `{:#}` for people: `1,199.90`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, cents) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        if f.alternate() {
            write!(f, "{sign}{}.{cents:02}", grouped(whole))
        } else {
            write!(f, "{sign}{whole}.{cents:02}")
        }
    }
}

/// A number with its thousands set apart: `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^-?[0-9]+\\.[0-9]{2}$",
            "description": "An exact amount with two decimals, as text: 1199.90",
        })
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Mul<u32> for Money {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        Self(self.0 * i64::from(times))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_and_shown_alike() {
        for text in ["0.00", "0.05", "1199.90", "92233720368547758.07"] {
            assert_eq!(text.parse::<Money>().expect(text).to_string(), text);
        }
        assert_eq!(Money(-5).to_string(), "-0.05");
        assert_eq!(format!("{:#}", Money(123_456_789)), "1,234,567.89");
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999_999), "999,999");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "5", "5.0", "5.000", ".50", "-1.00", "+1.00", "1,00", "92233720368547758.08", "1.0x"]
        {
            assert!(text.parse::<Money>().is_err(), "{text:?}");
        }
    }
}

//! Many measurements in four numbers.

use serde::Serialize;

/// Percentiles by nearest rank: each is a value that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half of the values are at most this.
    pub p50: f64,
    /// Nine of ten are.
    pub p90: f64,
    /// 99 of 100 are. Of fewer than 100 it is the largest.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Percentiles {
    /// Those of `values`; none of no values.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let max = *values.last()?;
        let rank = |percent: usize| values[(values.len() * percent).div_ceil(100) - 1];
        Some(Self { p50: rank(50), p90: rank(90), p99: rank(99), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_percentile_is_a_value_that_was_measured() {
        let values = (1_u32..=200).rev().map(f64::from).collect();

        let percentiles = Percentiles::of(values);

        assert_eq!(percentiles, Some(Percentiles { p50: 100.0, p90: 180.0, p99: 198.0, max: 200.0 }));
    }

    #[test]
    fn one_value_is_all_of_them_and_no_value_none() {
        let one = Percentiles::of(vec![7.0]);

        assert_eq!(one, Some(Percentiles { p50: 7.0, p90: 7.0, p99: 7.0, max: 7.0 }));
        assert_eq!(Percentiles::of(Vec::new()), None);
    }
}

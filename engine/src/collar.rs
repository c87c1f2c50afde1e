//! An instrument's own recent mid, as an integer moving average: what its prices are held against.
//!
//! `s ← s + m − s / 2^k`, so that `s / 2^k` follows the mid over about `2^k` tops. Doubled mids
//! (bid + ask) keep it in integers.

use highwire_links::limits::PPB;

/// Tops that the average spans, as a power of two.
const SPAN_BITS: u32 = 6;

/// The reference of one instrument, at its pair's price decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    sum: i128,
    samples: u32,
}

impl Reference {
    /// Takes in the mid of a top with both sides.
    pub fn on_top(&mut self, bid: i64, ask: i64) {
        let doubled = i128::from(bid) + i128::from(ask);
        self.sum = if self.samples == 0 { doubled << SPAN_BITS } else { self.sum + doubled - (self.sum >> SPAN_BITS) };
        self.samples = self.samples.saturating_add(1);
    }

    /// Whether `px` is within `collar_ppb` of the reference. With fewer than `samples_min` mids seen
    /// nothing is; with none seen and none asked for everything is.
    pub fn admits(&self, px: i64, collar_ppb: i64, samples_min: u32) -> bool {
        let far = self.doubled_mid().saturating_mul(collar_ppb.into());
        self.samples >= samples_min && (self.samples == 0 || self.doubled_distance(px) * i128::from(PPB) <= far)
    }

    /// Whether `px` is no farther than `distance` from the reference; otherwise as [`Self::admits`].
    pub fn admits_within(&self, px: i64, distance: i64, samples_min: u32) -> bool {
        let far = 2 * i128::from(distance);
        self.samples >= samples_min && (self.samples == 0 || self.doubled_distance(px) <= far)
    }

    fn doubled_mid(&self) -> i128 {
        self.sum >> SPAN_BITS
    }

    fn doubled_distance(&self, px: i64) -> i128 {
        (2 * i128::from(px) - self.doubled_mid()).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_mid_and_holds_prices_to_it() {
        let mut reference = Reference::default();
        assert!(reference.admits(1, 0, 0) && !reference.admits(1, 0, 1));
        reference.on_top(9_990, 10_010);
        let one_percent = 10_000_000;
        assert!(reference.admits(10_100, one_percent, 1) && !reference.admits(10_101, one_percent, 1));
        assert!(reference.admits_within(10_001, 1, 1) && !reference.admits_within(10_002, 1, 1));
        assert!(reference.admits(9_900, one_percent, 1) && !reference.admits(9_899, one_percent, 1));
        for _ in 0..600 {
            reference.on_top(19_990, 20_010);
        }
        assert!(reference.admits(20_000, 1_000_000, 601) && !reference.admits(10_000, one_percent, 1));
        assert!(!reference.admits(20_000, 1_000_000, 602));
    }
}

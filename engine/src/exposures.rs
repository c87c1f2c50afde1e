//! What stands open in money: the value of every position, per pair and in all, kept up with each fill, so that asking
//! whether another trade fits costs the same however much there is. Leverage and concentration are limits on these
//! sums: whoever knows the equity turns shares of it into amounts (see `Limits::of_equity`).

use highwire_links::fixed::Amount;
use highwire_links::ids::{InstrumentId, PairId};

/// The most that may stand open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposureLimits {
    /// Value of all positions, long or short, in quote currency.
    pub gross_max: Amount,
    /// Value of the positions of one pair.
    pub pair_max: Amount,
}

impl ExposureLimits {
    /// Limits that nothing reaches.
    pub const WIDE: Self = Self { gross_max: Amount(i128::MAX), pair_max: Amount(i128::MAX) };

    /// These limits, and no more than `leverage_permille` thousandths of `equity` in all and `concentration_permille`
    /// thousandths of it in one pair. Without equity nothing may be opened.
    #[must_use]
    pub fn of_equity(self, equity: Amount, leverage_permille: u32, concentration_permille: u32) -> Self {
        let part = |permille: u32| Amount(equity.0.max(0).saturating_mul(permille.into()) / 1_000);
        Self {
            gross_max: self.gross_max.min(part(leverage_permille)),
            pair_max: self.pair_max.min(part(concentration_permille)),
        }
    }

    /// A part of them.
    #[must_use]
    pub fn divided(self, by: i128) -> Self {
        Self { gross_max: Amount(self.gross_max.0 / by), pair_max: Amount(self.pair_max.0 / by) }
    }
}

/// What stands open now.
#[derive(Debug)]
pub struct Exposures {
    values: Box<[Amount]>,
    pairs: Box<[Amount]>,
    gross: Amount,
    /// Per pair, the value of orders that are out: until their trade has ended they count beside what they filled.
    out: Box<[Amount]>,
    /// Positions that were inherited and have no price yet.
    unpriced: Box<[bool]>,
}

impl Exposures {
    /// Nothing open, but what `inherited` says of each instrument waits for a price.
    pub fn new(pairs: usize, inherited: Box<[bool]>) -> Self {
        Self {
            values: vec![Amount::ZERO; inherited.len()].into(),
            pairs: vec![Amount::ZERO; pairs].into(),
            gross: Amount::ZERO,
            out: vec![Amount::ZERO; pairs].into(),
            unpriced: inherited,
        }
    }

    /// Value of all positions, and of what is out.
    pub fn gross(&self) -> Amount {
        self.gross
    }

    /// Value of a pair's positions, and of what it has out.
    pub fn of_pair(&self, pair: PairId) -> Amount {
        self.pairs.get(pair.index()).copied().unwrap_or_default()
    }

    /// Whether an inherited position still waits for a price.
    pub fn is_unpriced(&self, id: InstrumentId) -> bool {
        self.unpriced.get(id.index()).copied().unwrap_or(false)
    }

    /// An instrument's position is worth so much now.
    pub fn note(&mut self, id: InstrumentId, pair: PairId, value: Amount) {
        let (Some(known), Some(of_pair)) = (self.values.get_mut(id.index()), self.pairs.get_mut(pair.index())) else {
            return;
        };
        let change = value.0.saturating_sub(std::mem::replace(known, value).0);
        of_pair.0 = of_pair.0.saturating_add(change);
        self.gross.0 = self.gross.0.saturating_add(change);
        self.unpriced[id.index()] = false;
    }

    /// Orders of a pair's trade are out that may change what stands open by so much; 0 when that trade has ended.
    pub fn note_out(&mut self, pair: PairId, value: Amount) {
        let (Some(out), Some(of_pair)) = (self.out.get_mut(pair.index()), self.pairs.get_mut(pair.index())) else {
            return;
        };
        let change = value.0.saturating_sub(std::mem::replace(out, value).0);
        of_pair.0 = of_pair.0.saturating_add(change);
        self.gross.0 = self.gross.0.saturating_add(change);
    }

    /// Whether a trade of a pair that changes what stands open by `change` fits. What makes it less always does.
    pub fn admits(&self, pair: PairId, change: Amount, limits: &ExposureLimits) -> bool {
        let fits = |now: Amount, max: Amount| now.0.saturating_add(change.0) <= max.0;
        let is_within = fits(self.gross, limits.gross_max) || cfg!(mutant = "leverage");
        let is_spread = fits(self.of_pair(pair), limits.pair_max) || cfg!(mutant = "concentration");
        change.0 <= 0 || (is_within && is_spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::amount;
    use proptest::prelude::*;

    fn limits(gross: &str, pair: &str) -> ExposureLimits {
        ExposureLimits { gross_max: amount(gross), pair_max: amount(pair) }
    }

    #[test]
    fn what_fits_is_within_both_limits_and_what_reduces_always_fits() {
        let mut open = Exposures::new(2, vec![false; 3].into());
        open.note(InstrumentId(0), PairId(0), amount("60"));
        open.note(InstrumentId(1), PairId(0), amount("20"));
        open.note(InstrumentId(2), PairId(1), amount("10"));
        let fits = |pair, by: &str| open.admits(PairId(pair), amount(by), &limits("100", "85"));
        assert_eq!((fits(0, "5"), fits(0, "6")), (true, false), "the pair's limit");
        assert_eq!((fits(1, "10"), fits(1, "11")), (true, false), "the limit of all");
        assert!(open.admits(PairId(0), Amount(-1), &limits("0", "0")));
    }

    #[test]
    fn what_is_out_counts_until_its_trade_has_ended() {
        let mut open = Exposures::new(2, vec![false; 2].into());
        open.note_out(PairId(0), amount("60"));
        assert!(!open.admits(PairId(1), amount("50"), &limits("100", "100")));
        open.note_out(PairId(0), Amount::ZERO);
        assert!(open.admits(PairId(1), amount("50"), &limits("100", "100")));
    }

    #[test]
    fn equity_bounds_what_may_stand_open() {
        let of = |equity: &str| limits("1000", "500").of_equity(amount(equity), 3_000, 250);
        assert_eq!((of("100"), of("10000")), (limits("300", "25"), limits("1000", "500")));
        assert_eq!(limits("1000", "500").of_equity(Amount(-5), 3_000, 250), limits("0", "0"));
    }

    #[test]
    fn an_inherited_position_waits_for_its_price() {
        let mut open = Exposures::new(1, vec![true, false].into());
        assert!(open.is_unpriced(InstrumentId(0)) && !open.is_unpriced(InstrumentId(1)));
        open.note(InstrumentId(0), PairId(0), amount("7"));
        assert_eq!((open.is_unpriced(InstrumentId(0)), open.gross()), (false, amount("7")));
    }

    proptest! {
        #[test]
        fn the_sums_are_those_of_the_parts(notes in proptest::collection::vec((0u16..6, 0i128..1_000), 0..60)) {
            let mut open = Exposures::new(2, vec![false; 6].into());
            let mut values = [0i128; 6];
            for (id, value) in notes {
                open.note(InstrumentId(id), PairId(id % 2), Amount(value));
                values[usize::from(id)] = value;
            }
            prop_assert_eq!(open.gross().0, values.iter().sum::<i128>());
            for pair in 0..2u16 {
                let of_pair: i128 = (0..6).filter(|id| id % 2 == usize::from(pair)).map(|id| values[id]).sum();
                prop_assert_eq!(open.of_pair(PairId(pair)).0, of_pair);
            }
        }
    }
}

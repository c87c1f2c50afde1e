//! Profit and loss of a set of fills of one pair, in quote currency, over all its venues.
//!
//! Every fill is a flow of quote one way and of base the other. *Realised* is what the matched part
//! earned: the base that was both bought and sold, at the mean prices of all buys and all sells.
//! *Marked* adds what the unmatched rest is worth at a given price. A fee in quote counts in full in both; a
//! fee in base is base that never came (or went beside what was sold); one in a third asset is only counted.

use crate::wide::mul_div_amount;
use highwire_links::fill::{FeeAsset, Report};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::ids::Side;
use highwire_links::instrument::Instrument;
use highwire_links::limits::{AMOUNT_DP, DP_MAX};

/// Decimals of base quantities held here.
pub const BASE_DP: u8 = 8;

const _: () = assert!(BASE_DP + DP_MAX <= AMOUNT_DP, "any price times a base quantity fits");

/// What a fill cost beside its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fee {
    /// Positive is paid; in the asset of `asset`.
    pub amount: Amount,
    /// In what.
    pub asset: FeeAsset,
}

impl Fee {
    /// The fee of a fill; `None` when it has more decimals than an amount.
    pub fn of(report: &Report) -> Option<Self> {
        Some(Self { amount: Amount::from_mantissa(report.fee.into(), report.fee_dp)?, asset: report.fee_in })
    }

    /// What it takes of the base, mantissa at [`BASE_DP`], rounded up.
    fn base(self) -> i128 {
        const UNIT: i128 = 10i128.pow((AMOUNT_DP - BASE_DP) as u32);
        let whole = self.amount.0.div_euclid(UNIT) + i128::from(self.amount.0.rem_euclid(UNIT) != 0);
        if self.asset == FeeAsset::Base { whole } else { 0 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flow {
    /// Mantissa at [`BASE_DP`].
    base: i128,
    quote: Amount,
}

/// The running profit of a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pnl {
    bought: Flow,
    sold: Flow,
    fees: Amount,
    /// Base bought less base sold, before fees, mantissa at [`BASE_DP`].
    traded: i128,
    fees_in_base: Amount,
    fees_elsewhere: u64,
}

impl Pnl {
    /// The profit of these flows: base bought and sold (mantissas at [`BASE_DP`]), each with the quote that it
    /// cost or brought, and the fees.
    pub fn of((bought, paid): (i128, Amount), (sold, got): (i128, Amount), fees: Amount) -> Self {
        Self {
            bought: Flow { base: bought, quote: paid },
            sold: Flow { base: sold, quote: got },
            fees,
            traded: bought - sold,
            fees_in_base: Amount::ZERO,
            fees_elsewhere: 0,
        }
    }

    /// Takes in a fill of `instrument`. `None` on overflow, and then nothing is taken in.
    pub fn add(&mut self, instrument: &Instrument, side: Side, (px, qty): (Px, Qty), fee: Fee) -> Option<()> {
        let quote = instrument.quote_amount(px, qty)?;
        let base = i128::from(instrument.base_qty(px, qty, BASE_DP)?);
        let in_quote = if fee.asset == FeeAsset::Quote { fee.amount } else { Amount::ZERO };
        let fees = self.fees.checked_add(in_quote)?;
        let signed = if side == Side::Buy { base } else { -base };
        let traded = self.traded.checked_add(signed)?;
        let (flow, base) = match side {
            Side::Buy => (&mut self.bought, base.checked_sub(fee.base())?),
            Side::Sell => (&mut self.sold, base.checked_add(fee.base())?),
        };
        let after = Flow { base: flow.base.checked_add(base)?, quote: flow.quote.checked_add(quote)? };
        let in_base = if fee.asset == FeeAsset::Base { fee.amount } else { Amount::ZERO };
        let fees_in_base = self.fees_in_base.checked_add(in_base)?;
        *flow = after;
        (self.traded, self.fees, self.fees_in_base) = (traded, fees, fees_in_base);
        self.fees_elsewhere += u64::from(fee.asset == FeeAsset::Other && fee.amount != Amount::ZERO);
        Some(())
    }

    /// Fees paid in quote; negative when rebates prevail.
    pub fn fees(&self) -> Amount {
        self.fees
    }

    /// Fills whose fee was taken in a third asset (a venue's own coin): what they cost is in no figure here.
    pub fn fees_elsewhere(&self) -> u64 {
        self.fees_elsewhere
    }

    /// What the fills have left of the base, to the last decimal of the fees in it; negative is owed. `None` on overflow.
    pub fn position(&self) -> Option<Amount> {
        Amount::from_mantissa(self.traded, BASE_DP)?.checked_sub(self.fees_in_base)
    }

    /// Base bought less base sold, mantissa at [`BASE_DP`] decimals: what is not matched.
    pub fn base_open(&self) -> i128 {
        self.bought.base - self.sold.base
    }

    /// Profit of the matched part, less all fees; rounded down. `None` on overflow.
    pub fn realised(&self) -> Option<Amount> {
        let matched = self.bought.base.min(self.sold.base);
        let brought = if matched == 0 { 0 } else { mul_div_amount(self.sold.quote.0, matched, self.sold.base)? };
        // What stays of the cost, rounded down, so that the matched part's cost is rounded up.
        let kept = self.bought.base - matched;
        let kept_cost = if kept == 0 { 0 } else { mul_div_amount(self.bought.quote.0, kept, self.bought.base)? };
        let cost = self.bought.quote.0 - kept_cost;
        Amount(brought).checked_sub(Amount(cost))?.checked_sub(self.fees)
    }

    /// Profit when the unmatched rest is valued at `px` (mantissa at `px_dp`), less all fees; exact.
    /// `None` on overflow.
    pub fn marked(&self, px: i64, px_dp: u8) -> Option<Amount> {
        let open = self.base_open().checked_mul(i128::from(px))?;
        let places = AMOUNT_DP.checked_sub(px_dp.checked_add(BASE_DP)?)?;
        let worth = Amount(open.checked_mul(10i128.checked_pow(places.into())?)?);
        self.sold.quote.checked_sub(self.bought.quote)?.checked_add(worth)?.checked_sub(self.fees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::fill::FEE_DP;
    use highwire_links::fixed::Scale;
    use highwire_links::ids::{InstrumentId, PairId, VenueId};
    use highwire_links::instrument::{Contract, Status};
    use proptest::prelude::*;

    fn fee(mantissa: i64) -> Fee {
        Fee { amount: Amount::from_mantissa(mantissa.into(), FEE_DP).unwrap(), asset: FeeAsset::Quote }
    }

    fn instrument(scale: (u8, u8), contract: Contract) -> Instrument {
        Instrument {
            id: InstrumentId(0),
            venue: VenueId(0),
            pair: PairId(0),
            scale: Scale::new(scale.0, scale.1).unwrap(),
            tick: 1,
            lot: 1,
            qty_min: Qty(1),
            notional_min: Amount::ZERO,
            contract,
            taker_fee_ppb: 0,
            maker_fee_ppb: 0,
            status: Status::Trading,
        }
    }

    #[test]
    fn matched_legs_realise_their_spread_less_fees() {
        let spot = instrument((2, 5), Contract::Base);
        let mut pnl = Pnl::default();
        pnl.add(&spot, Side::Buy, (Px(10_000), Qty(200_000)), fee(5_000_000)).unwrap();
        pnl.add(&spot, Side::Sell, (Px(10_100), Qty(150_000)), fee(7_000_000)).unwrap();
        // 1.5 at +1.00, less 0.05 and 0.07; 0.5 stays open.
        assert_eq!(pnl.realised().unwrap().to_string(), "1.38");
        assert_eq!(pnl.base_open(), 50_000_000);
        assert_eq!(pnl.marked(9_900, 2).unwrap().to_string(), "0.88");
        assert_eq!(pnl.fees().to_string(), "0.12");
    }

    #[test]
    fn an_inverse_contract_earns_its_base() {
        let inverse = instrument((1, 0), Contract::Inverse { value: 100, dp: 0 });
        let mut pnl = Pnl::default();
        pnl.add(&inverse, Side::Buy, (Px(500_000), Qty(500)), fee(0)).unwrap();
        pnl.add(&inverse, Side::Sell, (Px(1_000_000), Qty(500)), fee(0)).unwrap();
        // 50 000 USD bought as 1 BTC at 50 000, sold as 0.5 BTC at 100 000: half a bitcoin is left.
        assert_eq!(pnl.base_open(), 50_000_000);
        assert_eq!(pnl.marked(1_000_000, 1).unwrap().to_string(), "50000");
    }

    #[test]
    fn one_side_alone_realises_only_its_fee() {
        let spot = instrument((2, 5), Contract::Base);
        let mut pnl = Pnl::default();
        pnl.add(&spot, Side::Buy, (Px(10_000), Qty(100_000)), fee(1_000_000)).unwrap();
        assert_eq!(pnl.realised().unwrap().to_string(), "-0.01");
        assert_eq!(pnl.marked(10_000, 2).unwrap().to_string(), "-0.01");
    }

    #[test]
    fn a_fee_in_base_is_base_that_never_came_and_one_in_a_third_asset_is_only_counted() {
        let spot = instrument((2, 5), Contract::Base);
        let paid = |asset| Fee { amount: Amount::from_mantissa(1, 3).unwrap(), asset };
        let mut pnl = Pnl::default();
        pnl.add(&spot, Side::Buy, (Px(10_000), Qty(100_000)), paid(FeeAsset::Base)).unwrap();
        pnl.add(&spot, Side::Sell, (Px(10_100), Qty(100_000)), paid(FeeAsset::Other)).unwrap();
        // 1 bought at 100, of which 0.999 came; 1 sold at 101: 0.001 is owed.
        assert_eq!(pnl.base_open(), -100_000);
        assert_eq!(pnl.marked(10_100, 2).unwrap().to_string(), "0.899");
        assert_eq!((pnl.fees(), pnl.fees_elsewhere()), (Amount::ZERO, 1));
        let fine = Fee { amount: Amount::from_mantissa(1, 12).unwrap(), asset: FeeAsset::Base };
        (0..3).for_each(|_| pnl.add(&spot, Side::Buy, (Px(10_000), Qty(1)), fine).unwrap());
        assert_eq!(pnl.position().unwrap().to_string(), "-0.000970000003");
    }

    proptest! {
        #[test]
        fn realised_is_the_matched_spread_and_marked_is_exact(
            fills in proptest::collection::vec((any::<bool>(), 1i64..1_000_000, 1i64..1_000_000, -100i64..100), 1..20),
            mark in 1i64..1_000_000,
        ) {
            let spot = instrument((2, 5), Contract::Base);
            let (mut pnl, mut bought, mut sold, mut fees) = (Pnl::default(), (0i128, 0i128), (0i128, 0i128), 0i128);
            for &(buys, px, qty, paid) in &fills {
                pnl.add(&spot, if buys { Side::Buy } else { Side::Sell }, (Px(px), Qty(qty)), fee(paid)).unwrap();
                let flow = if buys { &mut bought } else { &mut sold };
                flow.0 += i128::from(qty);
                flow.1 += i128::from(px) * i128::from(qty);
                fees += i128::from(paid);
            }
            // Everything below in units of 10^-20.
            let (unit, fees) = (10i128.pow(13), fees * 10i128.pow(12));
            let exact = (sold.1 - bought.1 + (bought.0 - sold.0) * i128::from(mark)) * unit - fees;
            prop_assert_eq!(pnl.marked(mark, 2), Some(Amount(exact)));
            let matched = bought.0.min(sold.0);
            // Rounding costs at most one unit of price times quantity on either side.
            let (b, s) = (bought.0.max(1), sold.0.max(1));
            let slack = pnl.realised().unwrap().0 + fees;
            let mean = (sold.1 * matched / s - bought.1 * matched / b) * unit;
            prop_assert!((slack - mean).abs() <= 2 * unit, "{slack} {mean}");
        }
    }
}

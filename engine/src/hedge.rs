//! The best hedge that the books offer for an exposure: at every market of the pair that may hedge
//! now, the depth is walked down to the price band, and the cheapest wins. The lone leg's own market
//! is one of them (unwind), the others complete the trade elsewhere.

use crate::execute::least_base;
use crate::position::{Account, Measure};
use crate::saga::Offer;
use crate::sizing::PairScale;
use crate::tops::{Top, own_px};
use highwire_links::fixed::{Px, Qty};
use highwire_links::ids::Side;
use highwire_links::instrument::{Instrument, Status};
use highwire_links::limits::{PAGE_LEVELS, POW10, PPB};
use highwire_links::page::{BookState, Page, Rung};
use highwire_quant::complement::FeeCurve;
use highwire_quant::edge::ratio_ppb;
use highwire_quant::fee::{net_ask, net_bid};

/// What a hedge is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Base that is not hedged, at the pair's decimals; positive is long.
    pub exposure: i64,
    /// The pair's fair price, at its decimals.
    pub fair_px: i64,
    /// The most that a hedge may cost against it, fee included, parts per billion.
    pub cost_max_ppb: i64,
    /// How far beyond the level seen the order's limit may lie, parts per billion: a book is always a little old, and
    /// an immediate order still trades at the best price that is there.
    pub reach_ppb: i64,
    /// Base that is left as dust: by less than this a hedge may be too large.
    pub least: i64,
    /// The pair's decimals.
    pub scale: PairScale,
    /// The fee of a binary market, whose shares pay one or nothing. What a hedge costs and how far it reaches are
    /// parts of that one there: near nothing no part of the price is wide enough, near one none is narrow enough.
    pub binary: Option<FeeCurve>,
}

impl Want {
    /// The same want in terms of the other side of a binary market.
    pub fn mirrored(&self) -> Self {
        let one = self.one();
        Self { exposure: self.exposure.saturating_neg(), fair_px: one - self.fair_px, ..*self }
    }

    /// The side that reduces the exposure.
    pub fn side(&self) -> Side {
        if self.exposure > 0 { Side::Sell } else { Side::Buy }
    }

    /// What trading at `px` costs against the fair price, fee included, parts per billion.
    fn cost_ppb(&self, px: i64, fee_ppb: i64) -> Option<i64> {
        if let Some(curve) = self.binary {
            return self.cost_of_share(px, curve);
        }
        let fair = i128::from(self.fair_px) * i128::from(PPB);
        let loss = match self.side() {
            Side::Buy => net_ask(px, fee_ppb) - fair,
            Side::Sell => fair - net_bid(px, fee_ppb),
        };
        ratio_ppb(loss, fair)
    }

    /// The same as a part of what the share may pay.
    fn cost_of_share(&self, px: i64, curve: FeeCurve) -> Option<i64> {
        let better = match self.side() {
            Side::Buy => self.fair_px.checked_sub(px)?,
            Side::Sell => px.checked_sub(self.fair_px)?,
        };
        let fee = curve.per_share(px, self.scale.px_dp)?;
        ratio_ppb(fee - i128::from(better) * i128::from(PPB), i128::from(self.one()) * i128::from(PPB))
    }

    /// One at the pair's price decimals.
    fn one(&self) -> i64 {
        POW10[usize::from(self.scale.px_dp)]
    }
}

/// What this market offers; `None` when it does not trade, its book is not live, no level is within the
/// band, or what is within is below its minima.
pub fn offer(instrument: &Instrument, account: &Account, page: &Page, want: &Want) -> Option<Offer> {
    if instrument.status != Status::Trading || page.state != BookState::Live || want.exposure == 0 {
        return None;
    }
    let side = want.side();
    let rungs = if side == Side::Buy { &page.asks } else { &page.bids };
    let up = POW10[usize::from(want.scale.px_dp.checked_sub(instrument.scale.px_dp)?)];
    let (mut depth, mut worst) = (0i64, None);
    let wanted = i64::try_from(want.exposure.unsigned_abs()).ok()?;
    for rung in rungs.iter().filter(|rung| rung.px > 0 && rung.qty > 0) {
        let cost_ppb = want.cost_ppb(rung.px.checked_mul(up)?, instrument.taker_fee_ppb)?;
        if (cost_ppb > want.cost_max_ppb && !cfg!(mutant = "hedge-band")) || depth >= wanted {
            break;
        }
        depth = depth.saturating_add(base_of(instrument, rung, want.scale)?);
        worst = Some((Px(rung.px), cost_ppb));
    }
    let (seen, cost_ppb) = worst?;
    let px = limit(instrument, want, seen, up)?;
    let at = Measure { px_dp: want.scale.px_dp, qty_dp: want.scale.qty_dp, px: px.0.checked_mul(up)? };
    let funded = account.base_max(instrument, side, at)?;
    let qty = instrument.qty_of_base(px, depth.min(wanted).min(funded), want.scale.qty_dp)?;
    let qty = if reaches_minima(instrument, px, qty)? {
        qty
    } else {
        // The least order leaves dust on the other side, which is better than what nobody takes.
        let least = least_base(instrument, at.px, want.scale)?;
        let fits = least <= depth.min(funded) && least.saturating_sub(wanted) < want.least;
        instrument.qty_of_base(px, Some(least).filter(|_| fits)?, want.scale.qty_dp)?
    };
    let base = instrument.base_qty(px, qty, want.scale.qty_dp)?;
    let moves = if side == Side::Buy { base } else { -base };
    Some(Offer { instrument: instrument.id, side, px, qty, moves, cost_ppb })
}

/// The order's limit: beyond the level seen as far as wanted, within the band, on a tick.
fn limit(instrument: &Instrument, want: &Want, seen: Px, up: i64) -> Option<Px> {
    if let Some(curve) = want.binary {
        return limit_of_share(instrument.tick, want, curve, (seen, up));
    }
    let reach = i64::try_from(i128::from(seen.0) * i128::from(want.reach_ppb) / i128::from(PPB)).ok()?;
    let (whole, fee) = (i128::from(PPB), i128::from(instrument.taker_fee_ppb));
    let (fair, band) = (i128::from(want.fair_px), i128::from(want.cost_max_ppb));
    let (up, tick) = (i128::from(up), instrument.tick);
    Some(match want.side() {
        Side::Buy => {
            let dearest = i64::try_from(fair * (whole + band) / ((whole + fee) * up)).ok()?;
            let px = seen.0.checked_add(reach)?.min(dearest);
            Px((px - px.rem_euclid(tick)).max(seen.0))
        }
        Side::Sell => {
            let divisor = (whole - fee) * up;
            let cheapest = i64::try_from((fair * (whole - band) + divisor - 1) / divisor).ok()?;
            let px = seen.0.checked_sub(reach)?.max(cheapest);
            Px((px + (-px).rem_euclid(tick)).min(seen.0))
        }
    })
}

/// The same for a share of a binary market: the band is as wide as the highest fee leaves it, and a price is between
/// the tick and one less it.
fn limit_of_share(tick: i64, want: &Want, curve: FeeCurve, (seen, up): (Px, i64)) -> Option<Px> {
    let one = want.one();
    let part = |ppb: i64| i64::try_from(i128::from(one) * i128::from(ppb) / i128::from(PPB)).ok();
    let fee = i64::try_from(curve.per_share(one / 2, want.scale.px_dp)? / i128::from(PPB)).ok()? + 1;
    let (reach, band) = (part(want.reach_ppb)? / up, part(want.cost_max_ppb)?.checked_sub(fee)?);
    Some(match want.side() {
        Side::Buy => {
            let dearest = want.fair_px.checked_add(band)?.div_euclid(up).min(one / up - tick);
            let px = seen.0.checked_add(reach)?.min(dearest);
            Px((px - px.rem_euclid(tick)).max(seen.0))
        }
        Side::Sell => {
            let cheapest = (want.fair_px.checked_sub(band)? + up - 1).div_euclid(up).max(tick);
            let px = seen.0.checked_sub(reach)?.max(cheapest);
            Px((px + (-px).rem_euclid(tick)).min(seen.0))
        }
    })
}

/// The page as the newest top of its book corrects it: depth comes a few times a second, and what has been traded away
/// since is not to be had. A side without a top stays as it is.
pub fn corrected(page: Page, top: &Top, instrument: &Instrument, px_dp: u8) -> Page {
    let side = |rungs: [Rung; PAGE_LEVELS], px: i64, qty: i64, is_ask: bool| {
        let Some(px) = own_px(instrument, px, px_dp).filter(|&px| px > 0 && qty > 0) else { return rungs };
        let is_worse = |rung: &Rung| if is_ask { rung.px > px } else { 0 < rung.px && rung.px < px };
        let worse = rungs.iter().copied().filter(|rung| rung.qty > 0 && is_worse(rung));
        let mut ladder = [Rung::default(); PAGE_LEVELS];
        let rungs = std::iter::once(Rung { px, qty }).chain(worse);
        ladder.iter_mut().zip(rungs).for_each(|(place, rung)| *place = rung);
        ladder
    };
    Page {
        bids: side(page.bids, top.bid_px, top.bid_qty, false),
        asks: side(page.asks, top.ask_px, top.ask_qty, true),
        ..page
    }
}

/// The better of two offers: the cheaper; of equally cheap ones the larger.
pub fn better(one: Option<Offer>, other: Option<Offer>) -> Option<Offer> {
    let rank = |offer: &Offer| (offer.cost_ppb, std::cmp::Reverse(offer.moves.unsigned_abs()));
    match (one, other) {
        (Some(one), Some(other)) => Some(if rank(&other) < rank(&one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

fn base_of(instrument: &Instrument, rung: &Rung, scale: PairScale) -> Option<i64> {
    instrument.base_qty(Px(rung.px), Qty(rung.qty), scale.qty_dp)
}

fn reaches_minima(instrument: &Instrument, px: Px, qty: Qty) -> Option<bool> {
    let value = instrument.quote_amount(px, qty)?;
    Some(qty.0 > 0 && qty >= instrument.qty_min && value >= instrument.notional_min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Funds;
    use crate::testing::{amount, page, spot};

    const SCALE: PairScale = PairScale { px_dp: 2, qty_dp: 8 };
    /// One whole in base, at the instrument's and at the pair's decimals.
    const ONE: i64 = 100_000;
    const BASE: i64 = 100_000_000;

    fn want(exposure: i64, cost_max_ppb: i64) -> Want {
        Want { exposure, fair_px: 10_000, cost_max_ppb, reach_ppb: 0, least: 1_000, scale: SCALE, binary: None }
    }

    fn rich() -> Account {
        Account::new(Funds::Spot { base: amount("100"), quote: amount("100000") })
    }

    #[test]
    fn walks_no_deeper_than_the_band_and_no_further_than_the_exposure() {
        let book = page(BookState::Live, 0, &[(9_990, ONE), (9_950, ONE), (9_800, 9 * ONE)], &[(10_010, ONE)]);
        let take = |exposure, cost| offer(&spot(0, 0), &rich(), &book, &want(exposure, cost));
        let sold = take(5 * BASE, 10_000_000).unwrap();
        assert_eq!((sold.side, sold.px, sold.qty, sold.moves), (Side::Sell, Px(9_950), Qty(2 * ONE), -2 * BASE));
        assert_eq!(sold.cost_ppb, 5_000_000, "50 bp at the worst level");
        assert_eq!(take(BASE / 2, 10_000_000).unwrap().moves, -BASE / 2);
        let bought = take(-5 * BASE, 10_000_000).unwrap();
        assert_eq!((bought.side, bought.px, bought.moves), (Side::Buy, Px(10_010), BASE));
        assert_eq!(take(BASE, 999_999), None, "the best bid is 10 bp below");
    }

    #[test]
    fn the_newest_top_takes_away_what_the_depth_still_shows() {
        let book = page(BookState::Live, 0, &[(9_990, ONE), (9_950, 3 * ONE)], &[(10_010, ONE), (10_020, ONE)]);
        let top = Top { bid_px: 9_960, bid_qty: 7, ask_px: 0, ask_qty: 0, time_ns: 1 };
        let now = corrected(book, &top, &spot(0, 0), 2);
        let rung = |px, qty| Rung { px, qty };
        assert_eq!(now.bids[..3], [rung(9_960, 7), rung(9_950, 3 * ONE), Rung::default()]);
        assert_eq!(now.asks, book.asks, "without a top the depth stands");
    }

    #[test]
    fn fees_minima_funds_and_the_book_count() {
        let book = page(BookState::Live, 0, &[(10_000, ONE)], &[]);
        assert_eq!(offer(&spot(0, 1_000_000), &rich(), &book, &want(BASE, 2_000_000)).unwrap().cost_ppb, 1_000_000);
        let large = Instrument { qty_min: Qty(ONE + 1), ..spot(0, 0) };
        assert_eq!(offer(&large, &rich(), &book, &want(9 * BASE, 2_000_000)), None);
        let poor = Account::new(Funds::Spot { base: amount("0.25"), quote: amount("0") });
        assert_eq!(offer(&spot(0, 0), &poor, &book, &want(BASE, 2_000_000)).unwrap().moves, -BASE / 4);
        let dead = page(BookState::Suspect, 0, &[(10_000, ONE)], &[]);
        assert_eq!(offer(&spot(0, 0), &rich(), &dead, &want(BASE, 2_000_000)), None);
    }

    #[test]
    fn a_limit_reaches_beyond_the_level_seen_but_not_beyond_the_band_and_lies_on_a_tick() {
        let book = page(BookState::Live, 0, &[(9_990, ONE)], &[(10_010, ONE)]);
        let coarse = Instrument { tick: 5, ..spot(0, 1_000_000) };
        let px = |exposure, reach_ppb| {
            let want = Want { reach_ppb, ..want(exposure, 5_000_000) };
            offer(&coarse, &rich(), &book, &want).unwrap().px.0
        };
        // 10 bp beyond 9 990 and 10 010; the band of 50 bp, 10 of which is the fee, ends at 9 960 and 10 040.
        assert_eq!((px(BASE, 1_000_000), px(-BASE, 1_000_000)), (9_985, 10_020));
        assert_eq!((px(BASE, 9_000_000), px(-BASE, 9_000_000)), (9_960, 10_035));
        assert_eq!((px(BASE, 0), px(-BASE, 0)), (9_990, 10_010));
    }

    #[test]
    fn a_share_costs_parts_of_what_it_pays_and_is_priced_between_nothing_and_one() {
        let share = Instrument { tick: 1, ..spot(0, 0) };
        let curve = Some(FeeCurve { rate_ppb: 70_000_000 });
        let take = |exposure, fair_px, book: &Page| {
            let want = Want { fair_px, reach_ppb: 10_000_000, binary: curve, ..want(exposure, 60_000_000) };
            offer(&share, &rich(), book, &want).map(|offer| (offer.px.0, offer.cost_ppb))
        };
        let book = |bid, ask| page(BookState::Live, 0, &[(bid, ONE)], &[(ask, ONE)]);
        // Two cents below fair and a fee of 0.07 × 0.48 × 0.52 of a dollar.
        assert_eq!(take(BASE, 50, &book(48, 52)), Some((47, 37_472_000)));
        assert_eq!(take(BASE, 50, &book(45, 52)), None, "five cents and the fee are beyond six");
        // Near the ends a cent is far in parts of the price, and near in parts of the dollar.
        assert_eq!(take(BASE, 3, &book(2, 4)).map(|(px, _)| px), Some(1));
        assert_eq!(take(BASE, 2, &book(1, 3)).map(|(px, _)| px), Some(1), "and never nothing");
        assert_eq!(take(-BASE, 98, &book(97, 99)).map(|(px, _)| px), Some(99), "and never one");
    }

    #[test]
    fn the_least_order_may_leave_dust_on_the_other_side() {
        let book = page(BookState::Live, 0, &[(10_000, ONE)], &[]);
        let coarse = Instrument { lot: 1_000, qty_min: Qty(1_000), ..spot(0, 0) };
        let least = 1_000_000;
        let take = |exposure| offer(&coarse, &rich(), &book, &want(exposure, 0)).map(|offer| offer.moves);
        assert_eq!((take(least - 999), take(least - 1_000)), (Some(-least), None));
        assert_eq!(take(2 * least - 1), Some(-least), "what can be hedged in part is");
    }

    #[test]
    fn the_cheaper_wins_and_then_the_larger() {
        let one =
            offer(&spot(0, 0), &rich(), &page(BookState::Live, 0, &[(10_000, ONE)], &[]), &want(BASE, 0)).unwrap();
        let dear = Offer { cost_ppb: 1, moves: -9 * BASE, ..one };
        let small = Offer { moves: -BASE / 2, ..one };
        for other in [dear, small] {
            assert_eq!(better(Some(one), Some(other)), Some(one));
            assert_eq!(better(Some(other), Some(one)), Some(one));
        }
        assert_eq!(better(None, Some(dear)), Some(dear));
    }
}

//! How much of an opportunity can be traded, and at which limits: depth, then our limits, then funds.
//!
//! Both legs are rounded to their own lots, the coarser one first, so that they match in base asset
//! to within one lot of the finer. Contracts that count quote currency are converted at the lowest
//! price that the leg can trade at, which gives the fewest contracts.

use crate::position::{Account, Measure};
use crate::risk::Caps;
use crate::tops::{Top, own_px};
use highwire_links::audit::Verdict;
use highwire_links::fixed::{Amount, Px, Qty, rescale};
use highwire_links::ids::Side;
use highwire_links::instrument::Instrument;
use highwire_links::limits::PAGE_LEVELS;
use highwire_links::page::{Page, Rung};
use highwire_quant::edge::Hurdle;
use highwire_quant::walk::{Step, Terms, Walk, walk};

/// Decimals of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairScale {
    /// Of prices.
    pub px_dp: u8,
    /// Of base quantities.
    pub qty_dp: u8,
}

/// One side of a book in the pair's units: the newest top, then the page's levels beyond it.
#[derive(Clone, Copy, Debug)]
pub struct Ladder {
    steps: [Step; PAGE_LEVELS + 1],
    len: usize,
}

impl Ladder {
    /// The asks for a leg that buys, the bids for one that sells, as far as a price is `worth` walking to: the first that
    /// is not ends it. `None` when a number leaves its range.
    pub fn new(
        instrument: &Instrument,
        side: Side,
        top: &Top,
        page: &Page,
        scale: PairScale,
        worth: impl Fn(i64) -> bool,
    ) -> Option<Self> {
        let (px, qty, rungs) = match side {
            Side::Buy => (top.ask_px, top.ask_qty, &page.asks),
            Side::Sell => (top.bid_px, top.bid_qty, &page.bids),
        };
        let own = Px(own_px(instrument, px, scale.px_dp)?);
        let best = Step { px, base: instrument.base_qty(own, Qty(qty), scale.qty_dp)? };
        let mut ladder = Self { steps: [best; PAGE_LEVELS + 1], len: 1 };
        for rung in rungs.iter().filter(|rung| rung.qty > 0 && is_worse(rung, own, side)) {
            let px = rescale(rung.px, instrument.scale.px_dp, scale.px_dp).ok()?;
            if !worth(px) {
                break;
            }
            let base = instrument.base_qty(Px(rung.px), Qty(rung.qty), scale.qty_dp)?;
            ladder.steps[ladder.len] = Step { px, base };
            ladder.len += 1;
        }
        Some(ladder)
    }

    /// What waits at one price to be taken: the other side alone bounds its size.
    pub fn resting(px: i64) -> Self {
        Self { steps: [Step { px, base: i64::MAX }; PAGE_LEVELS + 1], len: 1 }
    }

    /// Base that these asks and bids trade while each unit clears the terms; `None` on overflow.
    pub fn matched(asks: &Self, bids: &Self, terms: &Terms) -> Option<i64> {
        Some(walk(asks.steps(), bids.steps(), terms)?.base)
    }

    fn steps(&self) -> &[Step] {
        &self.steps[..self.len]
    }
}

fn is_worse(rung: &Rung, top: Px, side: Side) -> bool {
    match side {
        Side::Buy => rung.px > top.0,
        Side::Sell => 0 < rung.px && rung.px < top.0,
    }
}

/// One leg of an opportunity.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    /// What to trade.
    pub instrument: &'a Instrument,
    /// Its account.
    pub account: &'a Account,
    /// What it can trade against.
    pub ladder: &'a Ladder,
}

/// Price and quantity of one order, in the instrument's own units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Limit price.
    pub px: Px,
    /// Quantity, in whole lots.
    pub qty: Qty,
}

/// The two orders of an opportunity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The order that buys.
    pub buy: Ticket,
    /// The order that sells.
    pub sell: Ticket,
    /// Matched base quantity at the pair's decimals.
    pub base: i64,
    /// Edge of the whole net of fees and depth, parts per billion; allowances are not deducted.
    pub edge_ppb: i64,
}

/// Lots of both legs for one base quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fit {
    buy: Qty,
    sell: Qty,
    base: i64,
}

/// An opportunity being sized.
#[derive(Clone, Copy, Debug)]
pub struct Sizing<'a> {
    buy: Leg<'a>,
    sell: Leg<'a>,
    terms: Terms,
    scale: PairScale,
    depth: Walk,
    fit: Fit,
}

impl<'a> Sizing<'a> {
    /// What the depth alone permits.
    ///
    /// # Errors
    /// `EdgeTooThin`, `TooSmall` or `Overflow`.
    pub fn by_depth(buy: Leg<'a>, sell: Leg<'a>, terms: Terms, scale: PairScale) -> Result<Self, Verdict> {
        let (ask, bid) = (buy.ladder.steps[0].px, sell.ladder.steps[0].px);
        let hurdle = Hurdle::new(terms.fees, terms.stop_edge_ppb).ok_or(Verdict::Overflow)?;
        if !hurdle.is_cleared(ask, bid) {
            return Err(Verdict::EdgeTooThin);
        }
        let depth = walk(buy.ladder.steps(), sell.ladder.steps(), &terms).ok_or(Verdict::Overflow)?;
        if depth.base == 0 {
            return Err(Verdict::TooSmall);
        }
        let fit = Fit { buy: Qty(0), sell: Qty(0), base: depth.base };
        Self { buy, sell, terms, scale, depth, fit }.fitted(depth.base, Verdict::TooSmall)
    }

    /// The same within the limits on order value and position.
    ///
    /// # Errors
    /// `Limit` when what is left is below a minimum, or `Overflow`.
    pub fn by_limits(self, caps: &Caps) -> Result<Self, Verdict> {
        let cap = self.limit_cap(caps).ok_or(Verdict::Overflow)?;
        self.fitted(cap, Verdict::Limit)
    }

    /// The same within the funds of both legs.
    ///
    /// # Errors
    /// `Balance` when what is left is below a minimum, or `Overflow`.
    pub fn by_funds(self) -> Result<Self, Verdict> {
        let buy = self.buy.account.base_max(self.buy.instrument, Side::Buy, self.measure(self.depth.ask_worst));
        let sell = self.sell.account.base_max(self.sell.instrument, Side::Sell, self.measure(self.best_bid()));
        let (buy, sell) = buy.zip(sell).ok_or(Verdict::Overflow)?;
        self.fitted(buy.min(sell), Verdict::Balance)
    }

    /// The two orders. Limit prices are the worst levels that the final size reaches.
    pub fn plan(&self) -> Option<Plan> {
        let terms = Terms { base_max: self.fit.base, ..self.terms };
        let walked = walk(self.buy.ladder.steps(), self.sell.ladder.steps(), &terms)?;
        Some(Plan {
            buy: Ticket { px: self.own(&self.buy, walked.ask_worst)?, qty: self.fit.buy },
            sell: Ticket { px: self.own(&self.sell, walked.bid_worst)?, qty: self.fit.sell },
            base: self.fit.base,
            edge_ppb: walked.edge_ppb(terms.fees)?,
        })
    }

    /// Rounds `cap`, when it is below the present size, to lots; `too_little` when a minimum is missed.
    fn fitted(self, cap: i64, too_little: Verdict) -> Result<Self, Verdict> {
        if cap >= self.fit.base && self.fit.buy != Qty(0) {
            // It was found to be enough when it was rounded to lots.
            return Ok(self);
        }
        let fit = self.fit(cap).ok_or(Verdict::Overflow)?;
        if self.is_enough(&fit).ok_or(Verdict::Overflow)? { Ok(Self { fit, ..self }) } else { Err(too_little) }
    }

    fn fit(&self, base: i64) -> Option<Fit> {
        let lot_base = |leg: &Leg<'_>, px| leg.instrument.base_qty(px, Qty(leg.instrument.lot), self.scale.qty_dp);
        let (buy_px, sell_px) = self.lowest_prices()?;
        let (buy, sell) = (self.buy.instrument, self.sell.instrument);
        let dp = self.scale.qty_dp;
        if lot_base(&self.buy, buy_px)? >= lot_base(&self.sell, sell_px)? {
            let qty = buy.qty_of_base(buy_px, base, dp)?;
            let base = buy.base_qty(buy_px, qty, dp)?;
            Some(Fit { buy: qty, sell: sell.qty_of_base(sell_px, base, dp)?, base })
        } else {
            let qty = sell.qty_of_base(sell_px, base, dp)?;
            let base = sell.base_qty(sell_px, qty, dp)?;
            Some(Fit { buy: buy.qty_of_base(buy_px, base, dp)?, sell: qty, base })
        }
    }

    /// Whether both legs reach their venues' minima.
    fn is_enough(&self, fit: &Fit) -> Option<bool> {
        let enough = |leg: &Leg<'_>, px, qty: Qty| {
            let value = leg.instrument.quote_amount(px, qty)?;
            Some(qty.0 > 0 && qty >= leg.instrument.qty_min && value >= leg.instrument.notional_min)
        };
        let (buy_px, sell_px) = self.lowest_prices()?;
        Some(enough(&self.buy, buy_px, fit.buy)? && enough(&self.sell, sell_px, fit.sell)?)
    }

    fn limit_cap(&self, caps: &Caps) -> Option<i64> {
        let (buy, sell) = (self.measure(self.depth.ask_worst), self.measure(self.best_bid()));
        let bought = self.position_value(&self.buy, Side::Buy, buy.px)?;
        let sold = self.position_value(&self.sell, Side::Sell, sell.px)?;
        let buy_room = caps.position_max.checked_sub(bought)?.min(caps.order_notional_max);
        let sell_room = caps.position_max.checked_add(sold)?.min(caps.order_notional_max);
        Some(buy.base_for(buy_room, 0)?.min(sell.base_for(sell_room, 0)?))
    }

    /// Value at `px` of the position that the leg adds to, negative when short.
    fn position_value(&self, leg: &Leg<'_>, side: Side, px: i64) -> Option<Amount> {
        leg.instrument.quote_amount(self.own(leg, px)?, Qty(leg.account.worst_position(side)))
    }

    fn lowest_prices(&self) -> Option<(Px, Px)> {
        let best_ask = self.buy.ladder.steps[0].px;
        Some((self.own(&self.buy, best_ask)?, self.own(&self.sell, self.depth.bid_worst)?))
    }

    fn best_bid(&self) -> i64 {
        self.sell.ladder.steps[0].px
    }

    fn measure(&self, px: i64) -> Measure {
        Measure { px_dp: self.scale.px_dp, qty_dp: self.scale.qty_dp, px }
    }

    fn own(&self, leg: &Leg<'_>, px: i64) -> Option<Px> {
        own_px(leg.instrument, px, self.scale.px_dp).map(Px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Funds;
    use crate::testing::{amount, page, spot};
    use highwire_links::fixed::Scale;
    use highwire_links::instrument::Contract;
    use highwire_links::page::BookState;
    use highwire_quant::edge::Fees;
    use proptest::prelude::*;

    const SCALE: PairScale = PairScale { px_dp: 2, qty_dp: 8 };

    fn instrument(kind: u8, lot: i64) -> Instrument {
        let plain = spot(0, 100_000);
        match kind {
            0 => Instrument { lot, ..plain },
            // One contract is 0.01 of the base asset, in tenths.
            1 => Instrument {
                scale: Scale::new(1, 1).unwrap(),
                contract: Contract::Linear { value: 1, dp: 2 },
                lot: 1 + lot % 5,
                ..plain
            },
            // One contract is 10 of the quote currency.
            _ => Instrument {
                scale: Scale::new(1, 0).unwrap(),
                contract: Contract::Inverse { value: 10, dp: 0 },
                ..plain
            },
        }
    }

    /// Levels in the instrument's own units, away from `best`.
    fn levels(instrument: &Instrument, best: i64, sign: i64, sizes: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let unit = if instrument.scale.px_dp == 2 { 10 } else { 1 };
        let mut px = best;
        sizes
            .iter()
            .map(|&(gap, lots)| {
                px += sign * gap;
                (px * unit, lots * instrument.lot)
            })
            .collect()
    }

    fn ladder(instrument: &Instrument, side: Side, levels: &[(i64, i64)], worth: impl Fn(i64) -> bool) -> Ladder {
        let up = if instrument.scale.px_dp == 2 { 1 } else { 10 };
        let (px, qty) = levels[0];
        let top = Top { bid_px: px * up, bid_qty: qty, ask_px: px * up, ask_qty: qty, time_ns: 0 };
        let page = page(BookState::Live, 0, levels, levels);
        Ladder::new(instrument, side, &top, &page, SCALE, worth).unwrap()
    }

    fn check(leg: &Leg<'_>, ticket: Ticket, caps: &Caps, side: Side, levels: &[(i64, i64)]) {
        assert_eq!(ticket.qty.0 % leg.instrument.lot, 0);
        assert!(ticket.qty.0 > 0);
        assert!(leg.instrument.quote_amount(ticket.px, ticket.qty).unwrap() <= caps.order_notional_max);
        let within = |px| if side == Side::Buy { px <= ticket.px.0 } else { px >= ticket.px.0 };
        let depth: i64 = levels.iter().filter(|level| within(level.0)).map(|level| level.1).sum();
        assert!(ticket.qty.0 <= depth, "{ticket:?} of {depth}: the book as it stands fills it");
        let need = leg.account.need(leg.instrument, side, ticket.px, ticket.qty).unwrap();
        assert!(Account::clone(leg.account).reserve(need));
    }

    proptest! {
        #[test]
        fn every_plan_keeps_its_lots_caps_depth_funds_and_edge(
            (buy_kind, sell_kind, lots) in (0u8..3, 0u8..3, (1i64..500, 1i64..500)),
            (asks, bids) in (proptest::collection::vec((1i64..30, 1i64..400), 1..9), proptest::collection::vec((1i64..30, 1i64..400), 1..9)),
            (spread, notional, margin) in (0i64..150, 1i64..3000, 1i64..3000),
        ) {
            let (buys, sells) = (instrument(buy_kind, lots.0), instrument(sell_kind, lots.1));
            let account = Account::new(Funds::Margin { quote: amount(&margin.to_string()) });
            let asks = levels(&buys, 10_000, 1, &asks);
            let bids = levels(&sells, 10_000 + spread, -1, &bids);
            let ladders = (ladder(&buys, Side::Buy, &asks, |_| true), ladder(&sells, Side::Sell, &bids, |_| true));
            let buy = Leg { instrument: &buys, account: &account, ladder: &ladders.0 };
            let sell = Leg { instrument: &sells, account: &account, ladder: &ladders.1 };
            let fees = Fees { buy_ppb: buys.taker_fee_ppb, sell_ppb: sells.taker_fee_ppb };
            let terms = Terms { fees, stop_edge_ppb: 500_000, base_max: i64::MAX };
            let caps = Caps { order_notional_max: amount(&notional.to_string()), position_max: amount("5000"), open_orders_max: 9 };
            let sized = Sizing::by_depth(buy, sell, terms, SCALE).and_then(|s| s.by_limits(&caps)).and_then(Sizing::by_funds);
            let hurdle = Hurdle::new(fees, terms.stop_edge_ppb).unwrap();
            let (ask, bid) = (ladders.0.steps[0].px, ladders.1.steps[0].px);
            let short = (
                ladder(&buys, Side::Buy, &asks, |px| hurdle.is_cleared(px, bid)),
                ladder(&sells, Side::Sell, &bids, |px| hurdle.is_cleared(ask, px)),
            );
            let (buy_short, sell_short) = (Leg { ladder: &short.0, ..buy }, Leg { ladder: &short.1, ..sell });
            let same = Sizing::by_depth(buy_short, sell_short, terms, SCALE).and_then(|s| s.by_limits(&caps)).and_then(Sizing::by_funds);
            prop_assert_eq!(same.map(|s| s.plan()), sized.map(|s| s.plan()), "what is not worth walking to changes nothing");
            let Ok(sized) = sized else { return Ok(()) };
            let plan = sized.plan().unwrap();
            check(&buy, plan.buy, &caps, Side::Buy, &asks);
            check(&sell, plan.sell, &caps, Side::Sell, &bids);
            let canonical = |leg: &Leg<'_>, px: Px| rescale(px.0, leg.instrument.scale.px_dp, 2).unwrap();
            let (ask, bid) = (canonical(&buy, plan.buy.px), canonical(&sell, plan.sell.px));
            prop_assert!(Hurdle::new(fees, terms.stop_edge_ppb).unwrap().is_cleared(ask, bid));
            prop_assert!(plan.edge_ppb >= terms.stop_edge_ppb);
            // Matched to within one lot of the finer leg, and the last unit of the conversion.
            let (buy_px, sell_px) = sized.lowest_prices().unwrap();
            let base = |leg: &Leg<'_>, px, qty| leg.instrument.base_qty(px, qty, 8).unwrap();
            let apart = (base(&buy, buy_px, plan.buy.qty) - base(&sell, sell_px, plan.sell.qty)).abs();
            let lot = |leg: &Leg<'_>, px| base(leg, px, Qty(leg.instrument.lot));
            prop_assert!(apart <= lot(&buy, buy_px).min(lot(&sell, sell_px)) + 1);
        }
    }

    #[test]
    fn a_page_level_at_or_better_than_the_top_is_not_walked_twice() {
        let instrument = spot(0, 0);
        let top = Top { ask_px: 101, ask_qty: 7, ..Top::default() };
        let page = page(BookState::Live, 0, &[], &[(100, 5), (101, 5), (102, 5)]);
        let ladder = Ladder::new(&instrument, Side::Buy, &top, &page, SCALE, |_| true).unwrap();
        assert_eq!(ladder.steps(), [Step { px: 101, base: 7_000 }, Step { px: 102, base: 5_000 }]);
    }
}
